variable "crawler" {
  description = "Crawler of web sites, which messages of a topic give jobs; null for none. hosts: those that jobs may name; *.example.com is every host below example.com. delay_seconds: pause between two requests to a host. job_seconds: maximum time of a job. publishers: who may publish jobs, as IAM names members."
  type = object({
    hosts         = list(string)
    delay_seconds = optional(number, 1)
    job_seconds   = optional(number, 480)
    publishers    = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.crawler == null ? true : length(var.crawler.hosts) > 0 && alltrue([for h in var.crawler.hosts : can(regex("^(\\*\\.)?[a-z0-9.:-]+$", h))])
    error_message = "crawler.hosts: must be hosts in lower case, such as docs.example.com or *.example.org, and at least one."
  }

  validation {
    condition     = var.crawler == null ? true : var.crawler.delay_seconds >= 0.1 && var.crawler.delay_seconds <= 60
    error_message = "crawler.delay_seconds: must be 0.1 to 60."
  }

  # Pub/Sub waits 600 s for an answer at most.
  validation {
    condition     = var.crawler == null ? true : var.crawler.job_seconds >= 1 && var.crawler.job_seconds <= 540 && floor(var.crawler.job_seconds) == var.crawler.job_seconds
    error_message = "crawler.job_seconds: must be a whole number of 1 to 540."
  }

  validation {
    condition     = var.crawler == null ? true : alltrue([for m in var.crawler.publishers : can(regex("^(user|group|serviceAccount|principal|principalSet|domain):.+", m))])
    error_message = "crawler.publishers: must be members such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com; everybody may not be one."
  }
}

variable "filter" {
  description = "Filter that turns the messages of a topic into channels; null for none. rules: in JSON (docs/functions.md). topic: full name of an existing topic, projects/P/topics/T; null to create one. publishers: who may publish to a topic that is created, as IAM names members."
  type = object({
    rules      = string
    topic      = optional(string)
    publishers = optional(list(string), [])
  })
  default = null

  # Cloud Run takes 32 KiB for one variable.
  validation {
    condition     = var.filter == null ? true : length(var.filter.rules) <= 32000 && can(jsondecode(var.filter.rules).tenant) && try(length(jsondecode(var.filter.rules).rules), 0) > 0
    error_message = "filter.rules: must be JSON of at most 32000 bytes with a tenant and rules, as docs/functions.md describes."
  }

  validation {
    condition     = try(var.filter.topic, null) == null || can(regex("^projects/[a-z0-9:.-]+/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}$", var.filter.topic))
    error_message = "filter.topic: must be a full name, projects/PROJECT/topics/TOPIC."
  }

  validation {
    condition     = var.filter == null ? true : alltrue([for m in var.filter.publishers : can(regex("^(user|group|serviceAccount|principal|principalSet|domain):.+", m))])
    error_message = "filter.publishers: must be members such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com; everybody may not be one."
  }

  validation {
    condition     = var.filter == null ? true : var.filter.topic == null || length(var.filter.publishers) == 0
    error_message = "filter.publishers: must be empty with filter.topic; who may publish to a topic that exists is said where it was created."
  }
}
