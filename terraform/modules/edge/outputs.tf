output "address" {
  description = "IPv4 address for the domains' A records; the certificate is issued only then, within about an hour."
  value       = google_compute_global_address.this.address
}

output "domains" {
  description = "Domains that are served."
  value       = local.domains
}
