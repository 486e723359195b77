output "address" {
  description = "IPv4 address that the domains' A records have to name; the certificate comes only then, within an hour or so."
  value       = google_compute_global_address.this.address
}

output "domains" {
  description = "Domains that are served."
  value       = local.domains
}
