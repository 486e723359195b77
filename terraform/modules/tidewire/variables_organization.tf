# What an organization asks of whatever runs in it.

variable "vpc_egress" {
  description = "VPC network that the services call out through: network and subnetwork (full names) of one that is there already, or cidr of the subnetwork of one that is made, with nat_addresses, reserved ones, if others have to know them; null for none."
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
  description = "Addresses that incidents are sent to by e-mail; a channel is made for each."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "budget" {
  description = "Budget of the project, told of at 50, 90 and 100 %, and when the month is forecast to pass it: billing_account (012345-ABCDEF-012345), amount a month in the account's currency; null for none."
  type        = object({ billing_account = string, amount = number })
  default     = null
}

variable "labels" {
  description = "Labels of everything that takes them."
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
  description = "Full name of a Cloud KMS key in the region that encrypts topics, database, secret, services and functions; null leaves that to Google. It must be there before, with the right of Google's agents to use it (README); the database keeps it for ever."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key: must be projects/P/locations/L/keyRings/R/cryptoKeys/K."
  }
}

variable "invoker_iam_disabled" {
  description = "Whether public services are public because IAM is not asked, and not by a grant to allUsers, which many organizations forbid. The function ingest is then opened by hand (README)."
  type        = bool
  default     = false
  nullable    = false
}

variable "service_accounts" {
  description = "Addresses of service accounts that are there already, by short name (gateway, api, dashboard, ingest, janitor, probe, scheduler, push); those of the others are made. What each may do is granted in any case."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for short, address in var.service_accounts : contains(["gateway", "api", "dashboard", "ingest", "janitor", "probe", "scheduler", "push"], short) && can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]+\\.iam\\.gserviceaccount\\.com$", address))])
    error_message = "service_accounts: must be addresses such as NAME@PROJECT.iam.gserviceaccount.com, of gateway, api, dashboard, ingest, janitor, probe, scheduler and push."
  }

  validation {
    condition     = length(distinct(values(var.service_accounts))) == length(var.service_accounts)
    error_message = "service_accounts: each program must have an account of its own."
  }
}

variable "notification_channels" {
  description = "Names of the notification channels that incidents are sent to, projects/PROJECT/notificationChannels/ID each; none by default."
  type        = list(string)
  default     = []
  nullable    = false
}
