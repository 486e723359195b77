output "topics" {
  description = "Full names of the topics of tenants and shards, by name."
  value       = { for name, topic in google_pubsub_topic.tenant : name => topic.id }
}

output "lost_topic" {
  description = "Name of the topic of lost connections."
  value       = google_pubsub_topic.lost.name
}

output "subscriptions" {
  description = "Names of the subscriptions created here: lost, dead, and hook if there is one."
  value = merge(
    { lost = google_pubsub_subscription.lost.name, dead = google_pubsub_subscription.dead.name },
    var.hook == null ? {} : { hook = google_pubsub_subscription.hook[0].name },
  )
  depends_on = [
    google_pubsub_topic_iam_member.dead,
    google_pubsub_subscription_iam_member.lost,
    google_pubsub_subscription_iam_member.hook,
  ]
}
