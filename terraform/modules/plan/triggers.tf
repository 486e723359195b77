# Functions that Pub/Sub calls: each has a push subscription, and dead letters for what it could not take.
locals {
  triggers = { for p, t in {
    # A message is a job, of minutes. What fails is tried again five times; a job that cannot be done is answered at once and never comes back.
    crawler = {
      existing     = null
      publishers   = try(var.crawler.publishers, [])
      ack_seconds  = 600
      keep_seconds = 604800
      max_attempts = 5
      ordered      = false
    }
    # What has waited for a day is nothing that somebody wants to see as new.
    filter = {
      existing     = try(var.filter.topic, null)
      publishers   = try(var.filter.publishers, [])
      ack_seconds  = 60
      keep_seconds = 86400
      max_attempts = 10
      ordered      = true # the newest value of a key is the last one that was published
    }
  } : p => merge(t, { topic = "${var.name}-${p}", dead = "${var.name}-${p}-dead" }) if contains(local.programs, p) }
}
