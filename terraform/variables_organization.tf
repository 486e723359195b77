# What an organization asks of whatever runs in it.

variable "vpc_egress" {
  description = "VPC network for the services' outbound calls: network and subnetwork (full names) of an existing one, or cidr of the subnetwork of one to create, with nat_addresses, reserved addresses, if others must know them; null for none."
  type = object({
    cidr          = optional(string, "10.20.0.0/22")
    nat_addresses = optional(list(string), [])
    network       = optional(string)
    subnetwork    = optional(string)
  })
  default = null

  validation {
    condition     = var.vpc_egress == null ? true : (var.vpc_egress.network == null) == (var.vpc_egress.subnetwork == null)
    error_message = "vpc_egress: must have both network and subnetwork, or neither."
  }
}

variable "notification_emails" {
  description = "E-mail addresses to which incidents are sent; a notification channel is created for each."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "budget" {
  description = "Budget of the project, with alerts at 50, 90 and 100 %, and when the forecast for the month exceeds it: billing_account (012345-ABCDEF-012345), amount per month in the account's currency; null for none."
  type        = object({ billing_account = string, amount = number })
  default     = null
}

variable "labels" {
  description = "Labels for everything that supports them."
  type        = map(string)
  default     = {}
  nullable    = false

  # The janitor takes a subscription with the label tidewire-instance for that of an instance.
  validation {
    condition     = alltrue([for k, v in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", k)) && can(regex("^[a-z0-9_-]{0,63}$", v)) && !startswith(k, "tidewire")])
    error_message = "labels: keys and values must be of a-z, 0-9, _ and -, at most 63, keys must begin with a letter, and those that begin with tidewire are Tidewire's own."
  }
}

variable "kms_key" {
  description = "Full name of a Cloud KMS key in the region that encrypts topics, database, secret, services and functions; null for Google's keys. The key must exist before, and Google's agents must be allowed to use it (README). The database keeps it forever."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key: must be projects/P/locations/L/keyRings/R/cryptoKeys/K."
  }
}

variable "invoker_iam_disabled" {
  description = "Whether public services are made public by disabling the IAM check instead of a grant to allUsers, which many organizations forbid. The function ingest must then be opened by hand (README)."
  type        = bool
  default     = false
  nullable    = false
}

variable "service_accounts" {
  description = "Addresses of existing service accounts, by short name (gateway, api, dashboard, ingest, janitor, keeper, probe, crawler, filter, scheduler, push, trigger); the others are created. Permissions are granted in any case."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for short, address in var.service_accounts : contains(["gateway", "api", "dashboard", "ingest", "janitor", "keeper", "probe", "crawler", "filter", "scheduler", "push", "trigger"], short) && can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]+\\.iam\\.gserviceaccount\\.com$", address))])
    error_message = "service_accounts: must be addresses such as NAME@PROJECT.iam.gserviceaccount.com, of gateway, api, dashboard, ingest, janitor, keeper, probe, crawler, filter, scheduler, push and trigger."
  }

  validation {
    condition     = length(distinct(values(var.service_accounts))) == length(var.service_accounts)
    error_message = "service_accounts: each program must have its own account."
  }
}

variable "notification_channels" {
  description = "Names of the notification channels to which incidents are sent, each projects/PROJECT/notificationChannels/ID; none by default."
  type        = list(string)
  default     = []
  nullable    = false
}
