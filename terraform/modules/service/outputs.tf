output "name" {
  description = "Name of the service, once it may be called."
  value       = google_cloud_run_v2_service.this.name
  depends_on  = [google_cloud_run_v2_service_iam_member.public]
}

output "uri" {
  description = "First address that Cloud Run reports; the service also serves at others."
  value       = google_cloud_run_v2_service.this.uri
}

output "revision" {
  description = "Newest revision."
  value       = google_cloud_run_v2_service.this.latest_created_revision
}
