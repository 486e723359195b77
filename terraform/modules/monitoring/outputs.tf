output "dashboard" {
  description = "Name of the dashboard."
  value       = google_monitoring_dashboard.overview.id
}

output "dashboard_url" {
  description = "Where the dashboard is in the console."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${reverse(split("/", google_monitoring_dashboard.overview.id))[0]}?project=${var.project}"
}

output "alert_policies" {
  description = "Names of the alert policies, by alert, and by condition if an alert has several."
  value       = { for key, policy in google_monitoring_alert_policy.main : key => policy.name }
}

output "objective" {
  description = "Name of the objective of delivery; null while there is none."
  value       = one([for slo in google_monitoring_slo.delivery : slo.name])
}
