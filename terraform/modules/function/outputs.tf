output "name" {
  description = "Name of the function, and of the Cloud Run service that it is, once it may be called."
  value       = google_cloudfunctions2_function.this.name
  depends_on  = [google_cloud_run_v2_service_iam_member.public]
}

output "uri" {
  description = "Address of the function in Cloud Run, which is the audience of tokens for it, too."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}
