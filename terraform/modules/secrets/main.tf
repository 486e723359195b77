resource "google_secret_manager_secret" "operators" {
  project             = var.project
  secret_id           = var.operators
  deletion_protection = var.deletion_protection
  labels              = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = var.kms_key == null ? [] : [var.kms_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
}

# Made anew whenever Terraform runs, and forgotten: it is in no plan and in no state, and stored only when the version's number changes.
ephemeral "random_password" "operators" {
  length  = 48
  special = false
}

# What TIDEWIRE_OPERATORS of the api takes: auth of a tenant's document.
resource "google_secret_manager_secret_version" "operators" {
  secret = google_secret_manager_secret.operators.id
  secret_data_wo = jsonencode({
    keys = [{ kid = "k${var.operators_version}", alg = "HS256", secret = ephemeral.random_password.operators.result }]
  })
  secret_data_wo_version = var.operators_version

  # The api goes over to the new version before the one before is disabled. Disabled, it can be had back for a rollback.
  deletion_policy = "DISABLE"
  lifecycle {
    create_before_destroy = true
  }
}
