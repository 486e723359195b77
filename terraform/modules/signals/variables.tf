variable "name" {
  description = "Prefix of every name of the deployment."
  type        = string
  default     = "tidewire"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: must be 3 to 20 of a-z, 0-9 and '-', and start with a letter."
  }
}

variable "project" {
  description = "Project of the deployment."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: must be a project identifier: 6 to 30 of a-z, 0-9 and '-'."
  }
}

variable "runbooks_url" {
  description = "URL of docs/operations.md; alerts link to its headings."
  type        = string
  default     = "https://github.com/tidewire/tidewire/blob/main/docs/operations.md"
  nullable    = false

  validation {
    condition     = startswith(var.runbooks_url, "https://") && !strcontains(var.runbooks_url, "#")
    error_message = "runbooks_url: must be an https URL without an anchor."
  }
}

variable "gateway" {
  description = "Limits of the gateway service: requests that an instance handles at once, and maximum number of instances."
  type = object({
    concurrency   = optional(number, 1000)
    max_instances = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.gateway.concurrency >= 1 && var.gateway.concurrency <= 1000
    error_message = "gateway.concurrency: must be 1 to 1000, as on Cloud Run."
  }
  validation {
    condition     = var.gateway.max_instances >= 1
    error_message = "gateway.max_instances: must be at least 1."
  }
}

variable "functions" {
  description = "Functions that Pub/Sub calls, of crawler and filter."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.functions, ["crawler", "filter"])) == 0
    error_message = "functions: must be of crawler and filter."
  }
}

variable "subscriptions_budget" {
  description = "TIDEWIRE_SUBSCRIPTIONS of the services: number of subscriptions in the project from which on no further topic is followed."
  type        = number
  default     = 9000
  nullable    = false

  validation {
    condition     = var.subscriptions_budget >= 1 && var.subscriptions_budget <= 10000
    error_message = "subscriptions_budget: must be 1 to 10000, Pub/Sub's limit."
  }
}

variable "objective" {
  description = "The objective of delivery: a share of publications (goal) is in the queues of its readers within this time (seconds) after Pub/Sub's publish time, over this period (days)."
  type = object({
    goal    = optional(number, 0.99)
    seconds = optional(number, 1)
    days    = optional(number, 28)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.objective.goal > 0.5 && var.objective.goal <= 0.999
    error_message = "objective.goal: must be above 0.5 and at most 0.999, the maximum of Cloud Monitoring."
  }
  validation {
    condition     = var.objective.days >= 1 && var.objective.days <= 30 && floor(var.objective.days) == var.objective.days
    error_message = "objective.days: must be a whole number of 1 to 30."
  }
  validation {
    condition     = var.objective.seconds > 0
    error_message = "objective.seconds: must be above 0."
  }
}

variable "slo" {
  description = "Whether the objective exists in Cloud Monitoring, which accepts it only once it has received the metric. Then the burn rate is that of the objective; otherwise it is computed from the metric."
  type        = bool
  default     = false
  nullable    = false
}

variable "uptime_check_ids" {
  description = "Identifiers of the uptime checks that are alerted on, by what they check: gateway, probe."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.uptime_check_ids), ["gateway", "probe"])) == 0
    error_message = "uptime_check_ids: must have no keys except gateway and probe."
  }
}

variable "probe_failing_seconds" {
  description = "How long the probe must fail from two places before the alert fires. A gateway that starts to follow the probe's topic may wait a minute for Pub/Sub, which affects one run of each place."
  type        = number
  default     = 180
  nullable    = false

  validation {
    condition     = var.probe_failing_seconds >= 120 && var.probe_failing_seconds <= 3600 && var.probe_failing_seconds % 60 == 0
    error_message = "probe_failing_seconds: must be a multiple of 60 from 120 to 3600, got ${var.probe_failing_seconds}."
  }
}

variable "extra_widgets" {
  description = "Your own widgets for the end of the dashboard, in the format of Cloud Monitoring's dashboards API; at most 50 together with the existing ones."
  type        = any
  default     = []
  nullable    = false

  validation {
    condition     = can([for widget in var.extra_widgets : widget.title])
    error_message = "extra_widgets: must be a list of widgets, each with a title."
  }
}
