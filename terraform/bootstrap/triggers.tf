locals {
  # Both run cloudbuild.yaml: without _APPLY it ends with a plan that is kept, with it, it applies the plan of the same commit.
  triggers = {
    check = {
      description = "Checks, tests and builds each push, and plans."
      builder     = "check"
      apply       = "false"
      approval    = false
    }
    release = {
      description = "Applies the plan of a commit, once somebody has approved."
      builder     = "build"
      apply       = "true"
      approval    = true
    }
  }
}

# The connection to the repository is made by a person, who lets Cloud Build in there; without it there are no triggers, and builds
# are submitted by hand.
resource "google_cloudbuild_trigger" "this" {
  for_each = var.repository == null ? {} : local.triggers

  project         = var.project
  location        = split("/", var.repository)[3]
  name            = "${var.name}-${each.key}"
  description     = each.value.description
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.this[each.value.builder].id

  substitutions = {
    _APPLY            = each.value.apply
    _ACCOUNT          = module.plan.builders[each.value.builder]
    _REGION           = var.region
    _NAME             = var.name
    _REPOSITORY       = module.plan.repositories.images
    _STATE_BUCKET     = google_storage_bucket.this["state"].name
    _FUNCTIONS_BUCKET = google_storage_bucket.this["functions"].name
  }

  repository_event_config {
    repository = var.repository

    push {
      branch = var.branch
    }
  }

  approval_config {
    approval_required = each.value.approval
  }
}
