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

variable "topics" {
  description = "Topics of tenants and shards by name (plan, output topics)."
  type        = map(object({ retention_seconds = number, labels = map(string), tenant = string, shard = number }))
  nullable    = false
}

variable "lost" {
  description = "Names of the topic and subscriptions of lost connections (plan, output lost)."
  type        = object({ topic = string, subscription = string, dead_topic = string, dead_subscription = string })
  nullable    = false
}

variable "hook" {
  description = "Push subscription of lost connections: its name, the address it pushes to, and the account it pushes as; null for none."
  type        = object({ subscription = string, url = string, service_account = string })
  default     = null
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
