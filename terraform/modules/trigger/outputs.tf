output "topic" {
  description = "Full name of the topic."
  value       = var.existing == null ? google_pubsub_topic.this[0].id : var.existing
}

output "dead_subscription" {
  description = "Name of the subscription in which dead letters wait."
  value       = google_pubsub_subscription.dead.name
  depends_on  = [google_pubsub_topic_iam_member.dead, google_pubsub_subscription_iam_member.push]
}
