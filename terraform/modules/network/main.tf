resource "google_compute_network" "this" {
  project                 = var.project
  name                    = var.name
  auto_create_subnetworks = false
}

# Google's APIs are reached without leaving Google, by addresses that no NAT has to carry.
resource "google_compute_subnetwork" "this" {
  project                  = var.project
  region                   = var.region
  name                     = "${var.name}-${var.region}"
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.cidr
  private_ip_google_access = true
}

# For the rest: keys of tenants' issuers (jwksUrl).
resource "google_compute_router" "this" {
  project = var.project
  region  = var.region
  name    = var.name
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  project                            = var.project
  region                             = var.region
  name                               = var.name
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = length(var.nat_addresses) == 0 ? "AUTO_ONLY" : "MANUAL_ONLY"
  nat_ips                            = length(var.nat_addresses) == 0 ? null : var.nat_addresses
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.this.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
