module "signals" {
  source = "../signals"

  project              = var.project
  name                 = var.name
  gateway              = var.gateway
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
