output "operators" {
  description = "Secret of the operators and the version to be read: who reads latest would not notice that it is another."
  value       = { secret = google_secret_manager_secret.operators.secret_id, version = google_secret_manager_secret_version.operators.version }
}
