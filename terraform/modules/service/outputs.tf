output "name" {
  description = "Name of the service, once it may be called."
  value       = google_cloud_run_v2_service.this.name
  depends_on  = [google_cloud_run_v2_service_iam_member.public]
}

output "uri" {
  description = "Address that Cloud Run says first; it serves at others, too."
  value       = google_cloud_run_v2_service.this.uri
}

output "revision" {
  description = "Revision that was made last."
  value       = google_cloud_run_v2_service.this.latest_created_revision
}
