# What has to be there before the platform can be made: APIs, the bucket of the state, the places for images and archives.

data "google_project" "this" {
  project_id = var.project
}

# Names of accounts, buckets and repositories, and the roles that the platform's root grants, with everything on that may be.
module "plan" {
  source = "../modules/plan"

  project      = var.project
  number       = data.google_project.this.number
  region       = var.region
  name         = var.name
  demo         = true
  probe_tenant = "probe"
}

# Cloud Resource Manager and Service Usage have to be on before Terraform can ask for anything; README.md has the command. The others
# are those that a build, or a person without the right to turn APIs on, needs first; the root turns its own on.
resource "google_project_service" "this" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
  ])

  project            = var.project
  service            = each.key
  disable_on_destroy = false
}

# state holds what Terraform knows, and plans under plans/. functions holds source archives.
resource "google_storage_bucket" "this" {
  for_each = module.plan.buckets

  project                     = var.project
  location                    = var.region
  name                        = each.value
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  versioning {
    enabled = true
  }

  # A state that was overwritten can be had back, of the last hundred and of three months.
  lifecycle_rule {
    condition {
      num_newer_versions         = 100
      days_since_noncurrent_time = 90
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.this]

  lifecycle {
    prevent_destroy = true
  }
}

# images holds those of the services, and functions those that the buildpack makes, so that who compiles functions cannot change a service.
resource "google_artifact_registry_repository" "this" {
  for_each = module.plan.repositories

  project       = var.project
  location      = var.region
  repository_id = each.value
  format        = "DOCKER"
  description   = "Tidewire ${each.key}"
  labels        = var.labels
  kms_key_name  = var.kms_key

  # Deployments name images by digest. What nobody has tagged for a month was replaced by something else.
  cleanup_policies {
    id     = "untagged"
    action = "DELETE"

    condition {
      tag_state  = "UNTAGGED"
      older_than = "2592000s"
    }
  }

  # Builds tag what they push with their commit, and so does Cloud Functions: without this nothing of it would ever go. Cloud Run keeps a
  # copy of what is deployed.
  cleanup_policies {
    id     = "tagged"
    action = "DELETE"

    condition {
      tag_state  = "TAGGED"
      older_than = "${var.image_days * 86400}s"
    }
  }

  cleanup_policies {
    id     = "recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 20
    }
  }

  depends_on = [google_project_service.this]
}
