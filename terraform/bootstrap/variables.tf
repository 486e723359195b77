variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "The one region of everything, such as europe-west1."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Prefix of what is made; the same as in the platform's root."
  type        = string
  default     = "tidewire"
  nullable    = false
}

variable "repository" {
  description = "Full name of the source repository as Cloud Build is connected to it, projects/P/locations/R/connections/C/repositories/N; null makes no triggers."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository))
    error_message = "The repository is named projects/P/locations/R/connections/C/repositories/N, as Cloud Build's connections of the second generation are."
  }
}

variable "branch" {
  description = "Branch that is checked and released, as a regular expression."
  type        = string
  default     = "^main$"
  nullable    = false

  validation {
    condition     = startswith(var.branch, "^") && endswith(var.branch, "$")
    error_message = "The branch is a regular expression from ^ to $, or others match as well."
  }
}

variable "edge" {
  description = "Whether the platform has a load balancer or VPC egress, which the build needs further rights for."
  type        = bool
  default     = false
  nullable    = false
}

variable "image_days" {
  description = "How many days an image is kept that a build has tagged; the newest twenty of each are kept in any case."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.image_days >= 1 && floor(var.image_days) == var.image_days
    error_message = "image_days: must be a whole number of 1 or more, got ${var.image_days}."
  }
}

variable "labels" {
  description = "Labels of buckets and repositories."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "kms_key" {
  description = "Full name of a Cloud KMS key in the region that encrypts buckets and repositories; null leaves that to Google."
  type        = string
  default     = null
}
