output "operators" {
  description = "Secret of the operators and the version to read: a service that reads latest would not notice a change."
  value       = { secret = google_secret_manager_secret.operators.secret_id, version = google_secret_manager_secret_version.operators.version }
}
