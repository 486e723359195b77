variable "concurrency" {
  description = "Requests that a gateway handles at once; a socket is one request."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "concurrency: must be 1 to 1000, as on Cloud Run, got ${var.concurrency}."
  }
}

variable "sizes" {
  description = "Size of an instance, and minimum and maximum number of instances, of each service and function."
  type = object({
    gateway   = optional(object({ cpu = optional(string, "1"), memory = optional(string, "1Gi"), min = optional(number, 0), max = optional(number, 4), cpu_idle = optional(bool, true) }), {})
    api       = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 3), cpu_idle = optional(bool, true) }), {})
    dashboard = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1), cpu_idle = optional(bool, true) }), {})
    ingest    = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 4) }), {})
    janitor   = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 2) }), {})
    keeper    = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1) }), {})
    probe     = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1) }), {})
    crawler   = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1) }), {})
    filter    = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 2) }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for s in values(var.sizes) : contains(["1", "2", "4", "6", "8"], s.cpu) && can(regex("^[1-9][0-9]*(Mi|Gi)$", s.memory))])
    error_message = "sizes: cpu must be 1, 2, 4, 6 or 8, and memory a number of Mi or Gi, such as 512Mi."
  }

  # What Cloud Run takes: 512 MiB at least in the second generation, and so much for so many CPUs.
  validation {
    condition = alltrue([for s in values(var.sizes) : try(
      tonumber(regex("^[0-9]+", s.memory)) * (endswith(s.memory, "Gi") ? 1024 : 1) >= { "1" = 512, "2" = 512, "4" = 2048, "6" = 4096, "8" = 4096 }[s.cpu] &&
    tonumber(regex("^[0-9]+", s.memory)) * (endswith(s.memory, "Gi") ? 1024 : 1) <= { "1" = 4096, "2" = 8192, "4" = 16384, "6" = 24576, "8" = 32768 }[s.cpu], false)])
    error_message = "sizes: memory must be 512Mi to 4Gi with cpu 1, to 8Gi with 2, 2Gi to 16Gi with 4, 4Gi to 24Gi with 6, and 4Gi to 32Gi with 8."
  }

  validation {
    condition     = alltrue([for s in values(var.sizes) : s.min >= 0 && s.max >= 1 && s.max >= s.min && floor(s.max) == s.max && floor(s.min) == s.min])
    error_message = "sizes: max must be 1 or more, and min 0 to max."
  }
}

variable "expected" {
  description = "What the deployment must carry, which plans compare with its limits: sockets open at once, and tenants with their own topic, including those that the api creates. 0 for no comparison."
  type        = object({ sockets = optional(number, 0), tenants = optional(number, 0) })
  default     = {}
  nullable    = false

  validation {
    condition     = var.expected.sockets >= 0 && var.expected.tenants >= 0
    error_message = "expected: sockets and tenants must be 0 or more."
  }
}

variable "quota" {
  description = "Quotas of the project that a deployment reaches first: vCPU and GiB of all Cloud Run instances in the region, and Pub/Sub's subscriptions. The defaults are those of a new project; tidewire doctor reads the project's own."
  type        = object({ cpu = optional(number, 20), memory_gib = optional(number, 40), subscriptions = optional(number, 10000) })
  default     = {}
  nullable    = false

  validation {
    condition     = var.quota.cpu >= 1 && var.quota.memory_gib >= 1 && var.quota.subscriptions >= 1
    error_message = "quota: cpu, memory_gib and subscriptions must be 1 or more."
  }
}
