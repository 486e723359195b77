module "monitoring" {
  source = "../monitoring"

  project      = var.project
  number       = data.google_project.this.number
  region       = var.region
  name         = var.name
  gateway_host = trimprefix(module.plan.urls.gateway, "https://")
  probe = var.probe_tenant == null ? null : {
    host    = module.plan.hosts.probe
    service = module.plan.programs.functions.probe
    seconds = var.probe.seconds
  }
  check_period_seconds  = var.probe.period_seconds
  probe_failing_seconds = var.probe.failing_seconds

  functions            = keys(module.plan.triggers)
  gateway              = { concurrency = local.services.gateway.concurrency, max_instances = var.sizes.gateway.max }
  subscriptions_budget = var.subscriptions

  request_logs          = var.request_logs
  notification_channels = var.notification_channels
  notification_emails   = var.notification_emails
  budget                = var.budget
  labels                = var.labels
  objective             = var.objective
  slo                   = var.slo
  runbooks_url          = var.runbooks_url

  # Its uptime checks ask what has to be there; one of them calls the probe as an account that is let in by IAM.
  depends_on = [google_project_service.this, module.service, module.function]
}
