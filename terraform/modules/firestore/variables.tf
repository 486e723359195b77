variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "database" {
  description = "Identifier of the database."
  type        = string
  nullable    = false
}

variable "location" {
  description = "Location of the database, which cannot be changed later: a region, or a multi-region such as eur3."
  type        = string
  nullable    = false
}

variable "fields" {
  description = "Settings of fields by collection.field (plan, output fields). They are applied one after the other, in the order of step."
  type        = map(object({ collection = string, field = string, ttl = bool, group = bool, plain = bool, array = optional(bool, false), step = number }))
  nullable    = false

  validation {
    condition     = alltrue([for f in values(var.fields) : contains(range(28), f.step)]) && length(distinct([for f in values(var.fields) : f.step])) == length(var.fields)
    error_message = "Each field has a step of its own, 0 to 27."
  }
}

variable "point_in_time_recovery" {
  description = "Whether every version of the last week can be read again, at some cost, instead of only the last hour."
  type        = bool
  default     = false
  nullable    = false
}

variable "backup_days" {
  description = "How many days a daily backup is kept; 0 for no backups."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.backup_days >= 0 && var.backup_days <= 98 && floor(var.backup_days) == var.backup_days
    error_message = "backup_days: must be 0 to 98, the maximum of Firestore."
  }
}

variable "deletion_protection" {
  description = "Whether Firestore and Terraform refuse to delete the database."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key" {
  description = "Full name of the Cloud KMS key that encrypts the database, in its location; cannot be changed later. null for Google's keys."
  type        = string
  default     = null
}
