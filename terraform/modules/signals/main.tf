# What is measured, shown and alerted on, as data: this module has no provider, so that real Terraform
# tests it anywhere. modules/monitoring makes resources of it.
#
# Queries are PromQL, written with ' for " and with the selectors below for what is the same in all of
# them; render puts both in. Names with dots stand in quotes inside the braces, as PromQL has it.
locals {
  selectors = {
    # Metrics of the program itself, sent by OTLP: job is the name of the service or function.
    "@own"     = "job=~'${var.name}-.+'"
    "@gateway" = "job='${var.name}-gateway'"
    # Metrics of Cloud Run, of which functions are services too.
    "@run"         = "monitored_resource='cloud_run_revision',service_name=~'${var.name}-.+'"
    "@run-gateway" = "monitored_resource='cloud_run_revision',service_name='${var.name}-gateway'"
    # Metrics made of log lines; their names begin with that of the deployment.
    "@log"  = "monitored_resource='cloud_run_revision'"
    "@name" = var.name
  }

  # In the dashboard a menu chooses the tenant; the dashboard's own syntax puts a matcher there.
  tenant = "$${tenant}"
}
