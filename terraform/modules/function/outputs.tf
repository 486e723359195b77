output "name" {
  description = "Name of the function and of its Cloud Run service, once it may be called."
  value       = google_cloudfunctions2_function.this.name
  depends_on  = [google_cloud_run_v2_service_iam_member.public]
}

output "uri" {
  description = "Address of the function in Cloud Run, which is also the audience of tokens for it."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}
