variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region that the secret is kept in."
  type        = string
  nullable    = false
}

variable "operators" {
  description = "Name of the secret that says who the operators are."
  type        = string
  nullable    = false
}

variable "operators_version" {
  description = "Number of the operators' key. With each other number, a higher one, there is a new key, and tokens of the one before are worth nothing."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.operators_version >= 1 && floor(var.operators_version) == var.operators_version
    error_message = "The number of the operators' key is 1, 2, and so on."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the secret."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of what is made."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "kms_key" {
  description = "Full name of the Cloud KMS key that encrypts it, projects/P/locations/L/keyRings/R/cryptoKeys/K; null leaves that to Google."
  type        = string
  default     = null
}
