variable "project" {
  description = "Identifier of the Google Cloud project."
  type        = string
  nullable    = false
}

variable "number" {
  description = "Number of the project, which is part of the name of Cloud Monitoring's service agent."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the probe."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Prefix of every name of the deployment."
  type        = string
  default     = "tidewire"
  nullable    = false
}

variable "gateway_host" {
  description = "Host at which clients reach the gateway, without https://."
  type        = string
  nullable    = false
}

variable "probe" {
  description = "The function that probes the deployment: its Cloud Run host, the name of its service, and how long one run may take (TIDEWIRE_PROBE_TIME); null if there is none."
  type = object({
    host    = string
    service = string
    seconds = optional(number, 50)
  })
  default = null

  # Cloud Monitoring waits for an answer for a minute, and the first request of an instance takes its start as well.
  validation {
    condition     = var.probe == null ? true : var.probe.seconds >= 1 && var.probe.seconds <= 50
    error_message = "probe.seconds: must be 1 to 50."
  }
}

variable "notification_channels" {
  description = "Names of the notification channels to which incidents are sent, each projects/PROJECT/notificationChannels/ID."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "notification_channels: must be projects/PROJECT/notificationChannels/ID."
  }
}

variable "notification_emails" {
  description = "E-mail addresses to which incidents are sent; a notification channel is created for each."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.notification_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "notification_emails: each must be an e-mail address."
  }
}

variable "budget" {
  description = "Budget of the project, with alerts at 50, 90 and 100 %, and when the forecast for the month exceeds it: billing_account (012345-ABCDEF-012345), amount per month in the account's currency; null for none."
  type        = object({ billing_account = string, amount = number })
  default     = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)) && var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount
    error_message = "budget: billing_account must be like 012345-ABCDEF-012345, and amount a whole number of 1 or more."
  }
}

variable "check_period_seconds" {
  description = "How often each of Google's checking places calls the gateway and the probe."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = contains([60, 300, 600, 900], var.check_period_seconds)
    error_message = "check_period_seconds: must be 60, 300, 600 or 900."
  }
}

variable "probe_failing_seconds" {
  description = "How long the probe must fail from two places before the alert fires: longer than Pub/Sub takes to begin a replay."
  type        = number
  default     = 180
  nullable    = false
}

variable "check_regions" {
  description = "Regions from which Google checks, at least three."
  type        = list(string)
  default     = ["EUROPE", "USA_IOWA", "ASIA_PACIFIC"]
  nullable    = false

  validation {
    condition     = length(distinct(var.check_regions)) >= 3 && alltrue([for region in var.check_regions : contains(["USA", "USA_OREGON", "USA_IOWA", "USA_VIRGINIA", "EUROPE", "SOUTH_AMERICA", "ASIA_PACIFIC"], region)])
    error_message = "check_regions: must be three or more of USA, USA_OREGON, USA_IOWA, USA_VIRGINIA, EUROPE, SOUTH_AMERICA and ASIA_PACIFIC."
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
}

variable "subscriptions_budget" {
  description = "TIDEWIRE_SUBSCRIPTIONS of the services."
  type        = number
  default     = 9000
  nullable    = false
}

variable "objective" {
  description = "The objective of delivery: a share of publications (goal) is in the queues of its readers within this time (seconds), over this period (days)."
  type = object({
    goal    = optional(number, 0.99)
    seconds = optional(number, 1)
    days    = optional(number, 28)
  })
  default  = {}
  nullable = false
}

variable "slo" {
  description = "Whether to create the objective in Cloud Monitoring, which refuses it until it has received the duration of a first delivery: false in the first apply of a project, true later."
  type        = bool
  default     = false
  nullable    = false
}

variable "runbooks_url" {
  description = "URL of docs/operations.md; null for the project's own."
  type        = string
  default     = null
}

variable "functions" {
  description = "Functions that Pub/Sub calls, of crawler and filter."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "extra_widgets" {
  description = "Your own widgets for the end of the dashboard, in the format of Cloud Monitoring's dashboards API."
  type        = any
  default     = []
  nullable    = false
}

variable "request_logs" {
  description = "Share, 0 to 1, of Cloud Run's request log entries that are kept. Entries of 5xx answers are always kept."
  type        = number
  default     = 0.01
  nullable    = false

  validation {
    condition     = var.request_logs >= 0 && var.request_logs <= 1
    error_message = "request_logs: must be 0 to 1, got ${var.request_logs}."
  }
}

variable "labels" {
  description = "Labels of alerts, checks and the objective."
  type        = map(string)
  default     = {}
  nullable    = false
}
