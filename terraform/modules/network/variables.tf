variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the services."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Prefix of the names of created resources."
  type        = string
  nullable    = false
}

variable "cidr" {
  description = "Address range of the subnetwork. Cloud Run uses some addresses for each instance, so it must be at least a /26."
  type        = string
  default     = "10.20.0.0/22"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) <= 26, false)
    error_message = "cidr: must be a range such as 10.20.0.0/22, and at least a /26."
  }
}

variable "nat_addresses" {
  description = "Reserved addresses (full names) from which calls to the internet are made, so that others can allow them; empty for any."
  type        = list(string)
  default     = []
  nullable    = false
}
