resource "google_monitoring_alert_policy" "main" {
  for_each = module.signals.policies

  project               = var.project
  display_name          = each.value.display_name
  severity              = each.value.severity
  combiner              = each.value.combine
  notification_channels = local.notification_channels
  user_labels           = var.labels

  dynamic "conditions" {
    for_each = each.value.conditions
    content {
      display_name = conditions.key

      # Nothing has been measured yet when the first apply makes these: Cloud Monitoring is not to ask
      # whether it knows the metrics. They are compared with those of the program by a test.
      dynamic "condition_prometheus_query_language" {
        for_each = conditions.value.promql == null ? [] : [conditions.value.promql]
        content {
          query                     = condition_prometheus_query_language.value
          duration                  = "${conditions.value.duration}s"
          evaluation_interval       = "60s"
          disable_metric_validation = true
        }
      }

      dynamic "condition_threshold" {
        for_each = conditions.value.threshold == null ? [] : [conditions.value.threshold]
        content {
          filter          = condition_threshold.value.filter
          comparison      = "COMPARISON_GT"
          threshold_value = condition_threshold.value.value
          duration        = "${conditions.value.duration}s"

          trigger {
            count = 1
          }

          # A burn rate takes none.
          dynamic "aggregations" {
            for_each = condition_threshold.value.aggregation == null ? [] : [condition_threshold.value.aggregation]
            content {
              alignment_period     = "${aggregations.value.seconds}s"
              per_series_aligner   = aggregations.value.aligner
              cross_series_reducer = aggregations.value.reducer
              group_by_fields      = aggregations.value.groups
            }
          }
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = each.value.display_name
    content   = each.value.summary

    links {
      display_name = "Runbook"
      url          = each.value.runbook
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }

  depends_on = [google_logging_metric.main, google_monitoring_slo.delivery]
}
