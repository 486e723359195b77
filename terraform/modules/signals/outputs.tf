output "dashboard_json" {
  description = "The dashboard, in the format of Cloud Monitoring's API."
  value       = jsonencode(local.dashboard)

  precondition {
    condition     = length(local.dashboard.mosaicLayout.tiles) <= 50
    error_message = "The dashboard would have ${length(local.dashboard.mosaicLayout.tiles)} widgets; Cloud Monitoring takes 50. Give fewer extra_widgets."
  }
}

output "alerts" {
  description = "Alerts by name: display_name, severity, combine, summary, runbook, and conditions by name, each with duration and one of promql and threshold (filter, value, aggregation)."
  value       = local.alerts
}

output "policies" {
  description = "Alert policies that implement the alerts, by name, in the same format: one for each condition in PromQL."
  value       = local.policies
}

output "objective" {
  description = "The objective of delivery: identifiers and names, goal, seconds, days, and the filter of its distribution."
  value       = local.objective
}

output "log_metrics" {
  description = "Log-based metrics, by name: description, filter, value_type, unit, value (what is extracted, for a distribution), labels."
  value       = local.log_metrics
}

output "metrics" {
  description = "Every metric that a chart, an alert or the objective reads: own (with the values of reason that are queried), google, and log."
  value = {
    own    = { for name in local.own_names : name => sort(distinct([for ask in local.asked_reasons : ask.reason if ask.metric == name])) }
    google = sort(distinct(local.google_names))
    log    = sort(distinct(local.log_names))
  }
}

output "queries" {
  description = "Every PromQL query, by the chart (row/title/legend) or the alert (name/condition) that uses it."
  value       = { charts = local.rendered_charts, alerts = local.rendered_alerts }
}

# The names are read out of the queries, so that none can be forgotten here.
locals {
  all_queries   = concat(values(local.rendered_charts), values(local.rendered_alerts))
  read_names    = distinct(flatten([for query in local.all_queries : regexall("\\{\"([^\"]+)\"", query)]))
  google_names  = [for name in local.read_names : trimsuffix(name, "_bucket") if length(regexall("^[a-z]+\\.googleapis\\.com/", name)) > 0 && !startswith(name, "logging.")]
  log_names     = [for name in local.read_names : replace(trimprefix(name, "logging.googleapis.com/user/"), "/_(bucket|count|sum)$/", "") if startswith(name, "logging.")]
  own_names     = distinct([for name in local.read_names : replace(name, "/_(bucket|count|sum)$/", "") if startswith(name, "tidewire.")])
  asked_reasons = flatten([for query in local.all_queries : [for found in regexall("\\{\"(tidewire\\.[a-z.]+)\",[^}]*reason=~?\"([^\"]+)\"", query) : { metric = found[0], reason = found[1] }]])
}
