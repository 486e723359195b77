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
  description = "Name of the function and of its Cloud Run service."
  type        = string
  nullable    = false
}

variable "entry_point" {
  description = "Which function of the archive it is."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Build tags that it is compiled with, with commas between."
  type        = string
  default     = ""
  nullable    = false
}

variable "source_object" {
  description = "Bucket and name of the source archive."
  type        = object({ bucket = string, object = string })
  nullable    = false
}

variable "runtime" {
  description = "Runtime that it is built for; not older than go.mod requires."
  type        = string
  default     = "go126"
  nullable    = false

  validation {
    condition     = can(regex("^go1[0-9]{2}$", var.runtime))
    error_message = "runtime: must be a Go runtime, such as go126."
  }
}

variable "builder" {
  description = "Full name of the account that builds it, projects/.../serviceAccounts/..."
  type        = string
  nullable    = false
}

variable "repository" {
  description = "Full name of the Artifact Registry repository for its image, projects/.../repositories/..."
  type        = string
  nullable    = false
}

variable "service_account" {
  description = "Address of the function's own account."
  type        = string
  nullable    = false
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "concurrency" {
  description = "Requests that one instance handles at once."
  type        = number
  default     = 80
  nullable    = false

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "concurrency: must be 1 to 1000."
  }
}

variable "timeout_seconds" {
  description = "How long a request may take."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600
    error_message = "timeout_seconds: must be 1 to 3600."
  }
}

variable "cpu" {
  description = "CPUs of an instance; more than one request at once needs at least one whole CPU."
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

variable "ingress" {
  description = "Where calls may come from: ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"], var.ingress)
    error_message = "ingress: must be ALLOW_ALL, ALLOW_INTERNAL_ONLY or ALLOW_INTERNAL_AND_GCLB."
  }
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
