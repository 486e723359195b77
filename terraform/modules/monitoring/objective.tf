resource "google_monitoring_custom_service" "delivery" {
  for_each = toset(var.slo ? ["main"] : [])

  project      = var.project
  service_id   = module.signals.objective.service_id
  display_name = module.signals.objective.service_name
  user_labels  = var.labels
}

resource "google_monitoring_slo" "delivery" {
  for_each = google_monitoring_custom_service.delivery

  project      = var.project
  service      = each.value.service_id
  slo_id       = module.signals.objective.id
  display_name = module.signals.objective.display_name
  user_labels  = var.labels

  goal                = module.signals.objective.goal
  rolling_period_days = module.signals.objective.days

  request_based_sli {
    distribution_cut {
      distribution_filter = module.signals.objective.filter

      range {
        min = 0
        max = module.signals.objective.seconds
      }
    }
  }
}
