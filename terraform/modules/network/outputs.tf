output "network" {
  description = "Network and subnetwork for Direct VPC egress, once the route to the internet exists."
  value       = { network = google_compute_network.this.id, subnetwork = google_compute_subnetwork.this.id }
  depends_on  = [google_compute_router_nat.this]
}
