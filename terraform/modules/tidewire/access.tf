# An account for each service and function, and what it may do, which modules/plan says. Custom roles are made by the bootstrap: who
# could change here what one holds could give itself anything.

resource "google_service_account" "this" {
  for_each = { for short, id in module.plan.accounts : short => id if !contains(keys(var.service_accounts), short) }

  project      = var.project
  account_id   = each.value
  display_name = "Tidewire ${each.key}"

  depends_on = [google_project_service.this]
}

# Those that are made, and those that were there.
locals {
  given   = { for short, address in var.service_accounts : short => address if contains(keys(module.plan.accounts), short) }
  emails  = merge({ for short, account in google_service_account.this : short => account.email }, local.given)
  members = merge({ for short, account in google_service_account.this : short => account.member }, { for short, address in local.given : short => "serviceAccount:${address}" })
}

resource "google_project_iam_member" "project" {
  for_each = { for key, g in module.plan.grants : key => g if g.resource_kind == "project" }

  project = each.value.resource
  role    = each.value.role
  member  = local.members[each.value.account]
}

# IAM knows no member of a database: it is the project's, on the condition that it is about this database.
resource "google_project_iam_member" "database" {
  for_each = { for key, g in module.plan.grants : key => g if g.resource_kind == "database" }

  project = var.project
  role    = each.value.role
  member  = local.members[each.value.account]

  condition {
    title      = "database ${each.value.resource}"
    expression = "resource.name == \"projects/${var.project}/databases/${each.value.resource}\""
  }
}

resource "google_pubsub_topic_iam_member" "this" {
  for_each = { for key, g in module.plan.grants : key => g if g.resource_kind == "topic" }

  project = var.project
  topic   = each.value.resource
  role    = each.value.role
  member  = local.members[each.value.account]

  depends_on = [module.pubsub]
}

resource "google_secret_manager_secret_iam_member" "this" {
  for_each = { for key, g in module.plan.grants : key => g if g.resource_kind == "secret" }

  project   = var.project
  secret_id = each.value.resource
  role      = each.value.role
  member    = local.members[each.value.account]

  depends_on = [module.secrets]
}

resource "google_cloud_run_v2_service_iam_member" "this" {
  for_each = { for key, g in module.plan.grants : key => g if g.resource_kind == "service" }

  project  = var.project
  location = var.region
  name     = each.value.resource
  role     = each.value.role
  member   = local.members[each.value.account]

  depends_on = [module.service, module.function]
}
