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
  description = "Prefix of what is made."
  type        = string
  nullable    = false
}

variable "cidr" {
  description = "Addresses of the subnetwork. Cloud Run takes some for each instance, so that it has to be a /26 at least."
  type        = string
  default     = "10.20.0.0/22"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) <= 26, false)
    error_message = "The subnetwork is a range such as 10.20.0.0/22, and a /26 at least."
  }
}

variable "nat_addresses" {
  description = "Reserved addresses (their full names) that calls to the internet come from, for who has to let them in; empty for any."
  type        = list(string)
  default     = []
  nullable    = false
}
