variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region in which the secret is stored."
  type        = string
  nullable    = false
}

variable "operators" {
  description = "Name of the secret that says who the operators are."
  type        = string
  nullable    = false
}

variable "operators_version" {
  description = "Number of the operators' key. Each higher number creates a new key, and tokens of the previous key are refused."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.operators_version >= 1 && floor(var.operators_version) == var.operators_version
    error_message = "operators_version: must be a whole number of 1 or more."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the secret."
  type        = bool
  default     = true
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
