module "signals" {
  source = "../signals"

  project              = var.project
  name                 = var.name
  gateway              = var.gateway
  functions            = var.functions
  subscriptions_budget = var.subscriptions_budget
  objective            = var.objective
  slo                  = var.slo
  runbooks_url         = var.runbooks_url
  extra_widgets        = var.extra_widgets

  probe_failing_seconds = var.probe_failing_seconds

  uptime_check_ids = merge(
    { gateway = google_monitoring_uptime_check_config.gateway.uptime_check_id },
    { for check in google_monitoring_uptime_check_config.probe : "probe" => check.uptime_check_id },
  )
}

resource "google_monitoring_dashboard" "overview" {
  project        = var.project
  dashboard_json = module.signals.dashboard_json
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.notification_emails)

  project      = var.project
  display_name = "${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
  user_labels  = var.labels
}

locals {
  notification_channels = concat(var.notification_channels, [for channel in google_monitoring_notification_channel.email : channel.name])
}
