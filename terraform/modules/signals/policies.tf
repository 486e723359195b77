# Alerts in one shape, the policies that make them, and their queries.
locals {
  # All alerts in one shape: what a condition does not have is null.
  alerts = { for key, alert in merge(local.plain_alerts, local.trigger_alerts, local.burn_alerts, local.checked_alerts) : key => {
    display_name = "${var.name}: ${key}"
    severity     = alert.severity
    combine      = try(alert.combine, "OR")
    summary      = alert.summary
    runbook      = "${var.runbooks_url}#${key}"
    conditions = { for name, condition in alert.conditions : name => {
      duration  = try(condition.duration, 0)
      promql    = try(local.rendered_alerts["${key}/${name}"], null)
      threshold = try(condition.threshold, null)
    } }
  } }

  # Cloud Monitoring takes a condition in PromQL only as the one of its policy: an alert with several is as many policies, named after both.
  # Those of the objective are of another kind, and stand together.
  policies = merge(
    { for key, alert in local.alerts : key => alert if !local.divided[key] },
    merge([for key, alert in local.alerts : {
      for name, condition in alert.conditions : "${key}-${trim(replace(lower(name), "/[^a-z0-9]+/", "-"), "-")}" => merge(alert, {
        display_name = "${alert.display_name}, ${name}"
        combine      = "OR"
        conditions   = { (name) = condition }
      })
    } if local.divided[key]]...),
  )
  divided = { for key, alert in local.alerts : key => length(alert.conditions) > 1 && anytrue([for condition in alert.conditions : condition.promql != null]) }

  alert_queries = merge(flatten([for key, alert in merge(local.plain_alerts, local.trigger_alerts, local.burn_alerts, local.checked_alerts) : [
    for name, condition in alert.conditions : { "${key}/${name}" = condition.promql } if can(condition.promql)
  ]])...)

  rendered_alerts = { for key, query in local.alert_queries : key => replace(replace(replace(replace(replace(replace(replace(replace(trimspace(query),
    "\n", " "),
    "@own", local.selectors["@own"]),
    "@gateway", local.selectors["@gateway"]),
    "@run-gateway", local.selectors["@run-gateway"]),
    "@run", local.selectors["@run"]),
    "@log", local.selectors["@log"]),
    "@name", local.selectors["@name"]),
    "'", "\"")
  }
}
