variable "project" {
  description = "Identifier of the Google Cloud project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: must be a project identifier: 6 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "number" {
  description = "Number of the project, which is part of Cloud Run's addresses."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{1,19}$", var.number))
    error_message = "number: must contain digits only."
  }
}

variable "region" {
  description = "Region of all resources: Pub/Sub keeps the order of messages that are published in one region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "region: must be a region such as europe-west1."
  }
}

variable "name" {
  description = "Prefix of the names of created resources, except for the topics of tenants."
  type        = string
  default     = "tidewire"
  nullable    = false

  # 20, because the longest account is NAME-dashboard or NAME-scheduler, and an account has 30 characters.
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: must be 3 to 20 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen."
  }

  # tw-lost would be the topic of a tenant called lost, and Pub/Sub refuses what begins with goog.
  validation {
    condition     = !startswith(var.name, "tw-") && !startswith(var.name, "goog")
    error_message = "name: must not start with tw-, the prefix of tenants' topics, or with goog."
  }
}

variable "database" {
  description = "Identifier of the Firestore database; (default) is the unnamed database of a project."
  type        = string
  default     = "tidewire"
  nullable    = false

  validation {
    condition     = var.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database))
    error_message = "database: must be (default), or 4 to 63 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "tenants" {
  description = <<-EOT
    Tenants whose topics Terraform creates, by identifier. The api creates others at run time, with the same names and settings; they
    need no plan. placement is own or pooled; retention_seconds is how long an own topic keeps messages; limits are those of the tenant's
    document, which the api writes (output documents).
  EOT
  type = map(object({
    placement         = optional(string, "own")
    retention_seconds = optional(number, 600)
    limits            = optional(map(number), {})
  }))
  default  = {}
  nullable = false

  # The rule of realtime.CheckTenantID.
  validation {
    condition     = alltrue([for id in keys(var.tenants) : can(regex("^[a-z0-9][a-z0-9-]{0,62}$", id))])
    error_message = "tenants: an identifier must be 1 to 63 of a-z, 0-9 and '-', and start with a letter or digit."
  }

  validation {
    condition     = alltrue([for t in values(var.tenants) : contains(["own", "pooled"], t.placement)])
    error_message = "tenants: placement must be own or pooled."
  }

  validation {
    condition     = var.shards > 0 || alltrue([for t in values(var.tenants) : t.placement != "pooled"])
    error_message = "tenants: placement can be pooled only if shards is 1 or more."
  }

  # What Pub/Sub takes is 10 minutes to 31 days, and a replay reaches back 5 minutes.
  validation {
    condition     = alltrue([for t in values(var.tenants) : t.retention_seconds >= 600 && t.retention_seconds <= 2678400 && floor(t.retention_seconds) == t.retention_seconds])
    error_message = "tenants: retention_seconds must be a whole number of 600 to 2678400."
  }

  validation {
    condition     = alltrue([for t in values(var.tenants) : t.placement != "pooled" || t.retention_seconds == 600])
    error_message = "tenants: a pooled tenant must not have retention_seconds, because it shares its topic."
  }

  # The rules of realtime.Limits.
  validation {
    condition = alltrue(flatten([for t in values(var.tenants) : [for l in keys(t.limits) : contains([
      "connections", "connectionsPerUser", "connectsPerSecond",
      "framesPerSecond", "bytesPerSecond", "subscribesPerSecond", "publishesPerSecond", "requestsPerSecond",
      "userShare", "tenantShare", "subscriptionsPerConnection", "messageBytes", "batchEvents",
      "queueMessages", "queueBytes", "recordBytes", "weight",
    ], l)]]))
    error_message = "tenants: the name of a limit must be one of those in docs/limits.md, such as connections."
  }

  validation {
    condition     = alltrue(flatten([for t in values(var.tenants) : [for l in values(t.limits) : l >= 0 && floor(l) == l]]))
    error_message = "tenants: a limit must be a whole number of 0 or more; 0 is the default."
  }

  validation {
    condition = alltrue([for t in values(var.tenants) :
      lookup(t.limits, "messageBytes", 0) <= 1048576 && lookup(t.limits, "weight", 0) <= 100 &&
      (lookup(t.limits, "queueMessages", 0) == 0 || lookup(t.limits, "queueMessages", 0) >= 64) &&
      (lookup(t.limits, "queueBytes", 0) == 0 || lookup(t.limits, "queueBytes", 0) >= 131072)
    ])
    error_message = "tenants: messageBytes must be at most 1048576, weight at most 100, queueMessages at least 64 and queueBytes at least 131072, or a burst overflows them."
  }

  # Plans of many hundred topics are slow and have been seen to fail, and a tenant needs none.
  validation {
    condition     = length(var.tenants) <= 200
    error_message = "tenants: must be at most 200; the api creates the topics of any number of tenants."
  }
}

variable "retention_seconds" {
  description = "How long every topic keeps messages at least, 600 to 2678400 (31 days). Tenants' rules of history may reach as far back. Pub/Sub charges for what it stores."
  type        = number
  default     = 600
  nullable    = false

  # What Pub/Sub takes is 10 minutes to 31 days, and a replay reaches back 5 minutes.
  validation {
    condition     = var.retention_seconds >= 600 && var.retention_seconds <= 2678400 && floor(var.retention_seconds) == var.retention_seconds
    error_message = "retention_seconds: must be a whole number of 600 to 2678400."
  }
}

variable "shards" {
  description = "Number of topics that pooled tenants share. It must never change, because it determines which tenant is on which topic."
  type        = number
  default     = 0
  nullable    = false

  # The program takes 1000; a topic carries thousands of small tenants, and each is one more in every plan.
  validation {
    condition     = var.shards >= 0 && var.shards <= 100 && floor(var.shards) == var.shards
    error_message = "shards: must be a whole number of 0 to 100."
  }
}

variable "subscriptions" {
  description = "Number of subscriptions in the project from which on gateways follow no further topic. Pub/Sub's limit is 10,000."
  type        = number
  default     = 9000
  nullable    = false

  validation {
    condition     = var.subscriptions >= 1 && var.subscriptions <= 10000 && floor(var.subscriptions) == var.subscriptions
    error_message = "subscriptions: must be a whole number of 1 to 10000."
  }
}

variable "domains" {
  description = "Domains at which the load balancer serves gateway, api, dashboard and ingest; a service without one keeps its Cloud Run address."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for k in keys(var.domains) : contains(["gateway", "api", "dashboard", "ingest"], k)])
    error_message = "domains: must be of gateway, api, dashboard and ingest."
  }

  validation {
    condition     = alltrue([for d in values(var.domains) : length(d) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", d))])
    error_message = "domains: must be names such as live.example.com, in lower case and without scheme or port."
  }

  validation {
    condition     = length(distinct(values(var.domains))) == length(var.domains)
    error_message = "domains: each service must have its own domain."
  }
}

variable "demo" {
  description = "Whether everybody who can reach the dashboard may be any desk of the demo's tenants, acme and globex."
  type        = bool
  default     = false
  nullable    = false
}

variable "probe_tenant" {
  description = "Tenant on whose channel the probe sends to itself; null for no probe. The tenant's document needs a key that can sign."
  type        = string
  default     = null

  validation {
    condition     = var.probe_tenant == null || can(regex("^[a-z0-9][a-z0-9-]{0,62}$", var.probe_tenant))
    error_message = "probe_tenant: must be the identifier of a tenant."
  }
}

variable "probe" {
  description = "How the probe runs: the maximum time of a run in seconds, and the number of sockets of earlier runs that stay open, so that gateways continue to follow its topic."
  type        = object({ seconds = optional(number, 50), held = optional(number, 6) })
  default     = {}
  nullable    = false

  # A gateway that has just begun to follow a topic keeps a subscribe waiting for a beacon and two fences, 40 s (hub.Pace), and Cloud
  # Monitoring waits 60 s for an answer.
  validation {
    condition     = var.probe.seconds >= 45 && var.probe.seconds <= 50
    error_message = "probe.seconds: must be 45 to 50, got ${var.probe.seconds}: a healthy gateway may keep a subscribe waiting for 40 s, and Cloud Monitoring waits for 60."
  }

  validation {
    condition     = var.probe.held >= 0 && var.probe.held <= 15 && floor(var.probe.held) == var.probe.held
    error_message = "probe.held: must be 0 to 15, got ${var.probe.held}."
  }
}

variable "log_level" {
  description = "Lowest level that is logged: debug, info, warn or error."
  type        = string
  default     = "info"
  nullable    = false

  validation {
    condition     = contains(["debug", "info", "warn", "error"], var.log_level)
    error_message = "log_level: must be debug, info, warn or error."
  }
}

variable "telemetry" {
  description = "Whether metrics and traces are sent to Google Cloud."
  type        = bool
  default     = true
  nullable    = false
}

variable "metrics_tenants" {
  description = "How many tenants a process shows by name in its metrics. Each makes about 40 series in each gateway that holds it, which is most of the cost of metrics."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.metrics_tenants >= 0 && var.metrics_tenants <= 1000 && floor(var.metrics_tenants) == var.metrics_tenants
    error_message = "metrics_tenants: must be 0 to 1000, got ${var.metrics_tenants}."
  }
}

variable "hook_url" {
  description = "HTTPS address that receives connections whose instance crashed, as CloudEvents; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.hook_url == null || can(regex("^https://[^\\s/?#@]+(/[^\\s#]*)?$", var.hook_url))
    error_message = "hook_url: must be an https address; Pub/Sub pushes to no other."
  }
}
