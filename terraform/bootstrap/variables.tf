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
