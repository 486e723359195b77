# One for each tenant, and those that pooled tenants share. They have no schema: a message's data is the event's as its producer sent it, JSON or
# not, each tenant's of its own, and fences and beacons go the same way without any. A schema could only be "anything".
#
# There are no subscriptions here: an instance makes its own while it holds a socket of the tenant.
resource "google_pubsub_topic" "tenant" {
  for_each = var.topics

  project = var.project
  name    = each.key
  labels  = merge(var.labels, each.value.labels)

  kms_key_name = var.kms_key

  # What a new subscription can be led back to: without it nothing could be replayed to who comes back.
  message_retention_duration = "${each.value.retention_seconds}s"

  # Order holds for what is published in one region.
  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

# Connections whose instance died. Its events have a schema of their own in docs/functions.md, and none here: an event that Pub/Sub refused
# would keep the janitor from removing the document, for ever.
resource "google_pubsub_topic" "lost" {
  project = var.project
  name    = var.lost.topic
  labels  = var.labels

  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_topic" "dead" {
  project = var.project
  name    = var.lost.dead_topic
  labels  = var.labels

  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

locals {
  agent           = "serviceAccount:service-${var.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  retention       = "604800s" # a week, for somebody to look
  max_attempts    = 10
  minimum_backoff = "10s"
  maximum_backoff = "600s"
  ack_seconds     = 60
  never_expires   = "" # after 31 days in which nobody pulls it would be gone otherwise
}

# For a program that pulls. What it cannot take ten times goes to the dead letters.
resource "google_pubsub_subscription" "lost" {
  project                    = var.project
  name                       = var.lost.subscription
  topic                      = google_pubsub_topic.lost.id
  ack_deadline_seconds       = local.ack_seconds
  message_retention_duration = local.retention
  labels                     = var.labels

  expiration_policy {
    ttl = local.never_expires
  }

  retry_policy {
    minimum_backoff = local.minimum_backoff
    maximum_backoff = local.maximum_backoff
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = local.max_attempts
  }
}

# For a hook. Without a wrapper and with metadata, a message is an HTTP request that is a CloudEvent in binary mode.
resource "google_pubsub_subscription" "hook" {
  count = var.hook == null ? 0 : 1

  project                    = var.project
  name                       = var.hook.subscription
  topic                      = google_pubsub_topic.lost.id
  ack_deadline_seconds       = local.ack_seconds
  message_retention_duration = local.retention
  labels                     = var.labels

  push_config {
    push_endpoint = var.hook.url

    no_wrapper {
      write_metadata = true
    }

    # The hook can tell by the token that it is this deployment that calls. In a project made before April 2021 Pub/Sub's account has to
    # be let make it: roles/iam.serviceAccountTokenCreator on the account named here.
    oidc_token {
      service_account_email = var.hook.service_account
      audience              = var.hook.url
    }
  }

  expiration_policy {
    ttl = local.never_expires
  }

  retry_policy {
    minimum_backoff = local.minimum_backoff
    maximum_backoff = local.maximum_backoff
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = local.max_attempts
  }
}

# Dead letters wait here. An alert tells of them, and docs/operations.md says what to do.
resource "google_pubsub_subscription" "dead" {
  project                    = var.project
  name                       = var.lost.dead_subscription
  topic                      = google_pubsub_topic.dead.id
  ack_deadline_seconds       = local.ack_seconds
  message_retention_duration = local.retention
  labels                     = var.labels

  expiration_policy {
    ttl = local.never_expires
  }
}

# Pub/Sub forwards dead letters as an account of its own, which publishes them and acknowledges where they came from.
resource "google_pubsub_topic_iam_member" "dead" {
  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local.agent
}

resource "google_pubsub_subscription_iam_member" "lost" {
  project      = var.project
  subscription = google_pubsub_subscription.lost.name
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}

resource "google_pubsub_subscription_iam_member" "hook" {
  count = var.hook == null ? 0 : 1

  project      = var.project
  subscription = google_pubsub_subscription.hook[0].name
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}
