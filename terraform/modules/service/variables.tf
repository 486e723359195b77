variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region in which it runs."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the service."
  type        = string
  nullable    = false
}

variable "image" {
  description = "Image, by its digest: a tag may point to another image tomorrow, and then two instances of one revision would differ."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@\\s]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image: must be given by digest, NAME@sha256:..."
  }
}

variable "service_account" {
  description = "Address of the service's own account."
  type        = string
  nullable    = false
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "secret_environment" {
  description = "Environment variables that are read from Secret Manager, each from a version of a secret."
  type        = map(object({ secret = string, version = string }))
  default     = {}
  nullable    = false
}

variable "concurrency" {
  description = "Requests that one instance handles at once; an open socket is one request. Cloud Run's maximum is 1000."
  type        = number
  default     = 80
  nullable    = false

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "concurrency: must be 1 to 1000."
  }
}

variable "timeout_seconds" {
  description = "How long a request may take; a socket is one request. Cloud Run's maximum is 3600."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600
    error_message = "timeout_seconds: must be 1 to 3600."
  }
}

variable "session_affinity" {
  description = "Whether a returning client is routed to its previous instance, if possible."
  type        = bool
  default     = false
  nullable    = false
}

variable "cpu" {
  description = "CPUs of an instance."
  type        = string
  default     = "1"
  nullable    = false
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "512Mi"
  nullable    = false
}

variable "cpu_idle" {
  description = "Whether an instance has CPU, and is billed, only while it has a request. With false, it has CPU and is billed for its whole life, at a lower price."
  type        = bool
  default     = true
  nullable    = false
}

variable "min_instances" {
  description = "Minimum number of instances."
  type        = number
  default     = 0
  nullable    = false
}

variable "max_instances" {
  description = "Maximum number of instances."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_instances >= 1 && var.max_instances >= var.min_instances
    error_message = "max_instances: must be at least 1, and at least min_instances."
  }
}

variable "public" {
  description = "Whether everybody may call it and its program checks the caller, or only callers that IAM allows."
  type        = bool
  default     = false
  nullable    = false
}

variable "behind_load_balancer" {
  description = "Whether it is reachable only through the load balancer, and not at its Cloud Run address."
  type        = bool
  default     = false
  nullable    = false
}

variable "network" {
  description = "VPC network and subnetwork for its outbound calls; null for none."
  type        = object({ network = string, subnetwork = string })
  default     = null
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete it."
  type        = bool
  default     = true
  nullable    = false
}

variable "url" {
  description = "Address that it is expected to have; others get it before the service exists."
  type        = string
  nullable    = false
}

variable "invoker_iam_disabled" {
  description = "Whether a public service is made public by disabling the IAM check instead of a grant to allUsers, which many organizations forbid (domain restricted sharing)."
  type        = bool
  default     = false
  nullable    = false
}

variable "labels" {
  description = "Labels for the created resources."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "kms_key" {
  description = "Full name of the Cloud KMS key that encrypts it, projects/P/locations/L/keyRings/R/cryptoKeys/K; null for Google's keys."
  type        = string
  default     = null
}
