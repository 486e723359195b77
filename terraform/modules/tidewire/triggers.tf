# What Pub/Sub calls crawler and filter with.
module "trigger" {
  source   = "../trigger"
  for_each = module.plan.triggers

  project         = var.project
  region          = var.region
  number          = data.google_project.this.number
  topic           = each.value.topic
  existing        = each.value.existing
  dead            = each.value.dead
  url             = module.function[each.key].uri
  service_account = local.emails["trigger"]
  publishers      = toset(each.value.publishers)
  ack_seconds     = each.value.ack_seconds
  keep_seconds    = each.value.keep_seconds
  max_attempts    = each.value.max_attempts
  ordered         = each.value.ordered
  labels          = var.labels
  kms_key         = var.kms_key

  depends_on = [google_project_service.this, google_cloud_run_v2_service_iam_member.this]
}
