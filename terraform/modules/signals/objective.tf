# The objective of delivery and how fast its budget burns.
#
# The share of deliveries that were slower than the objective's seconds is above s exactly if the
# quantile 1 - s of their durations is above those seconds. So burn needs no bucket of a certain
# bound, and no label le, which Cloud Monitoring may write in more ways than one.
locals {
  service_id   = "${var.name}-delivery"
  objective_id = "${var.name}-delivery-latency"

  objective_name = "projects/${var.project}/services/${local.service_id}/serviceLevelObjectives/${local.objective_id}"

  # Pages: 2 % of a 28 days' budget within an hour. Tickets: 5 % within six hours. The short window
  # ends the alert soon after the fault.
  burns = {
    fast = { factor = 14.4, long = "1h", long_seconds = 3600, short = "5m", short_seconds = 300 }
    slow = { factor = 6, long = "6h", long_seconds = 21600, short = "30m", short_seconds = 1800 }
  }

  burn_quantiles = { for key, burn in local.burns : key => max(0, 1 - burn.factor * (1 - var.objective.goal)) }

  # A condition for each window of the objective itself, or one computed from the metric.
  burn_conditions = { for key, burn in local.burns : key => merge(
    { for window, seconds in { long = burn.long_seconds, short = burn.short_seconds } : "burning, ${window} window" => {
      threshold = {
        filter      = "select_slo_burn_rate(\"${local.objective_name}\", \"${seconds}s\")"
        value       = burn.factor
        aggregation = null
      }
    } if var.slo },
    { for condition in ["burning"] : condition => {
      promql = <<-EOT
        histogram_quantile(${local.burn_quantiles[key]}, sum by (le) (rate({'tidewire.delivery.duration_bucket',@own}[${burn.long}]))) > ${var.objective.seconds}
        and histogram_quantile(${local.burn_quantiles[key]}, sum by (le) (rate({'tidewire.delivery.duration_bucket',@own}[${burn.short}]))) > ${var.objective.seconds}
        and sum(increase({'tidewire.delivery.duration_count',@own}[${burn.short}])) > 30
      EOT
    } if !var.slo },
  ) }

  objective = {
    service_id   = local.service_id
    service_name = "${var.name}: delivery"
    id           = local.objective_id
    display_name = "${var.objective.goal * 100} % of deliveries within ${var.objective.seconds} s, over ${var.objective.days} days"
    goal         = var.objective.goal
    days         = var.objective.days
    seconds      = var.objective.seconds
    filter       = "resource.type=\"prometheus_target\" AND metric.type=\"prometheus.googleapis.com/tidewire.delivery.duration/histogram\" AND resource.labels.job=\"${var.name}-gateway\""
  }
}
