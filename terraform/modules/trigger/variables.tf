variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "number" {
  description = "Number of the project, which is part of the name of Pub/Sub's own account."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region in which topics keep their messages."
  type        = string
  nullable    = false
}

variable "topic" {
  description = "Name of the topic that is created, and of the push subscription."
  type        = string
  nullable    = false
}

variable "existing" {
  description = "Full name of the topic if it exists, projects/P/topics/T; null to create it."
  type        = string
  default     = null
}

variable "dead" {
  description = "Name of the topic of dead letters, and of the subscription in which they wait."
  type        = string
  nullable    = false
}

variable "url" {
  description = "Address of the function that is called."
  type        = string
  nullable    = false
}

variable "service_account" {
  description = "Address of the account that the function is called as, which must be allowed to call it."
  type        = string
  nullable    = false
}

variable "publishers" {
  description = "Who may publish to the topic that is created, as IAM names members."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "ack_seconds" {
  description = "How long Pub/Sub waits for the function's answer, 10 to 600; more than the function takes."
  type        = number
  nullable    = false

  validation {
    condition     = var.ack_seconds >= 10 && var.ack_seconds <= 600
    error_message = "ack_seconds: must be 10 to 600."
  }
}

variable "keep_seconds" {
  description = "How long a message waits for the function at most, 600 to 604800."
  type        = number
  nullable    = false

  validation {
    condition     = var.keep_seconds >= 600 && var.keep_seconds <= 604800
    error_message = "keep_seconds: must be 600 to 604800."
  }
}

variable "max_attempts" {
  description = "How often a message is tried before it goes to the dead letters, 5 to 100."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_attempts >= 5 && var.max_attempts <= 100
    error_message = "max_attempts: must be 5 to 100."
  }
}

variable "ordered" {
  description = "Whether messages with the same ordering key are handled one after the other."
  type        = bool
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
