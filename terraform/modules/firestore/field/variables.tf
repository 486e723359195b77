variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "database" {
  description = "Identifier of the database."
  type        = string
  nullable    = false
}

variable "fields" {
  description = "Settings of the field of one step, by collection.field; at most one."
  type        = map(object({ collection = string, field = string, ttl = bool, group = bool, plain = bool, array = optional(bool, false) }))
  nullable    = false

  validation {
    condition     = length(var.fields) <= 1
    error_message = "A step has one field at most, got ${join(", ", keys(var.fields))}: Firestore refuses several index changes at once."
  }
}
