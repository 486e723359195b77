variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of all resources, such as europe-west1."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Prefix of the names of created resources; the same as in the root of the deployment."
  type        = string
  default     = "tidewire"
  nullable    = false
}

variable "repository" {
  description = "Full name of the source repository as connected to Cloud Build, projects/P/locations/R/connections/C/repositories/N; null creates no triggers."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository))
    error_message = "The repository is named projects/P/locations/R/connections/C/repositories/N, as Cloud Build's connections of the second generation are."
  }
}

variable "branch" {
  description = "Branch to check and release, as a regular expression."
  type        = string
  default     = "^main$"
  nullable    = false

  validation {
    condition     = startswith(var.branch, "^") && endswith(var.branch, "$")
    error_message = "branch: must be a regular expression from ^ to $, or it matches other branches too."
  }
}

variable "edge" {
  description = "Whether the deployment has a load balancer or VPC egress, for which the build needs more permissions."
  type        = bool
  default     = false
  nullable    = false
}

variable "image_days" {
  description = "How many days an image that a build has tagged is kept; the newest twenty of each are always kept."
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
  description = "Full name of a Cloud KMS key in the region that encrypts buckets and repositories; null for Google's keys."
  type        = string
  default     = null
}
