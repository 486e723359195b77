output "state_bucket" {
  description = "Bucket of the root's state: terraform init -backend-config=bucket=..."
  value       = google_storage_bucket.this["state"].name
}

output "functions_bucket" {
  description = "Bucket of the functions' source archives."
  value       = google_storage_bucket.this["functions"].name
}

output "registry" {
  description = "Where images of the services are pushed, such as REGISTRY/gateway."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.this["images"].repository_id}"
}

output "accounts" {
  description = "Addresses of the accounts of builds: check, build and functions."
  value       = local.emails
}

output "triggers" {
  description = "Names of the triggers; empty without a repository."
  value       = { for t, trigger in google_cloudbuild_trigger.this : t => trigger.name }
}
