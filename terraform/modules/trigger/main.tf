locals {
  agent         = "serviceAccount:service-${var.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  never_expires = ""        # after 31 days without a message it would be gone otherwise
  dead_keep     = "604800s" # a week, for somebody to look
}

resource "google_pubsub_topic" "this" {
  count = var.existing == null ? 1 : 0

  project = var.project
  name    = var.topic
  labels  = var.labels

  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.existing == null ? var.publishers : []

  project = var.project
  topic   = google_pubsub_topic.this[0].name
  role    = "roles/pubsub.publisher"
  member  = each.key
}

resource "google_pubsub_topic" "dead" {
  project = var.project
  name    = var.dead
  labels  = var.labels

  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

# What the function answers with an error comes again, later each time, and in the end goes to the dead letters.
resource "google_pubsub_subscription" "push" {
  project                    = var.project
  name                       = var.topic
  topic                      = var.existing == null ? google_pubsub_topic.this[0].id : var.existing
  ack_deadline_seconds       = var.ack_seconds
  message_retention_duration = "${var.keep_seconds}s"
  enable_message_ordering    = var.ordered
  labels                     = var.labels

  push_config {
    push_endpoint = var.url

    # IAM lets nobody else call the function. In a project made before April 2021 Pub/Sub's account has to be let make the token:
    # roles/iam.serviceAccountTokenCreator on the account named here.
    oidc_token {
      service_account_email = var.service_account
      audience              = var.url
    }
  }

  expiration_policy {
    ttl = local.never_expires
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = var.max_attempts
  }
}

# Dead letters wait here. An alert tells of them, and docs/operations.md says what to do.
resource "google_pubsub_subscription" "dead" {
  project                    = var.project
  name                       = var.dead
  topic                      = google_pubsub_topic.dead.id
  ack_deadline_seconds       = 60
  message_retention_duration = local.dead_keep
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

resource "google_pubsub_subscription_iam_member" "push" {
  project      = var.project
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}
