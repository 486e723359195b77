variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the services."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Prefix of the names of created resources."
  type        = string
  nullable    = false
}

variable "routes" {
  description = "What is served, by short name: its domain, and the Cloud Run service behind it (a function also is one)."
  type        = map(object({ domain = string, service = string }))
  nullable    = false

  validation {
    condition     = length(var.routes) > 0 && length(distinct([for r in values(var.routes) : r.domain])) == length(var.routes)
    error_message = "routes: must be at least one, each with its own domain."
  }
}

variable "requests_per_minute" {
  description = "Requests that one address may make per minute, over all domains; an open socket is one request. A whole company may share one address."
  type        = number
  default     = 6000
  nullable    = false

  validation {
    condition     = var.requests_per_minute >= 1 && var.requests_per_minute <= 1000000 && floor(var.requests_per_minute) == var.requests_per_minute
    error_message = "requests_per_minute: must be 1 to 1000000."
  }
}

variable "log_sample_rate" {
  description = "Share of requests that the load balancer logs, 0 to 1."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.log_sample_rate >= 0 && var.log_sample_rate <= 1
    error_message = "log_sample_rate: must be 0 to 1."
  }
}

variable "labels" {
  description = "Labels for the created resources."
  type        = map(string)
  default     = {}
  nullable    = false
}
