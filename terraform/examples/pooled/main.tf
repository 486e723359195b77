terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}

# Firebase Rules and budgets refuse a person's credentials without the project that the calls are attributed to.
provider "google" {
  project               = var.project
  region                = var.region
  user_project_override = true
  billing_project       = var.project
}

variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "The one region of everything, such as europe-west1."
  type        = string
  nullable    = false
}

variable "images" {
  description = "Images of gateway, api and dashboard, by their digests."
  type        = object({ gateway = string, api = string, dashboard = string })
  nullable    = false
}

variable "functions" {
  description = "Bucket and object of the functions' source archive, which make functions makes."
  type        = object({ bucket = string, object = string })
  nullable    = false
}

variable "tenants" {
  description = "Small tenants that are expected, thousands of them; the api makes them, with placement pooled."
  type        = number
  default     = 5000
  nullable    = false
}

module "tidewire" {
  source = "../../modules/tidewire"

  project   = var.project
  region    = var.region
  images    = var.images
  functions = var.functions

  # Shared topics, the same number for ever: gateways follow 32 topics however many tenants there are.
  shards = 32

  # For 12,000 sockets at 60 % of 1,000 a gateway, once the quota is raised to it.
  sizes    = { gateway = { max = 20 } }
  quota    = { cpu = 100, memory_gib = 50 }
  expected = { sockets = 12000 }

  # A tenant by name is some 40 series in each gateway: of thousands, only a few are shown so.
  metrics_tenants = var.tenants > 1000 ? 10 : 20
}

output "gateway_url" {
  description = "Where sockets are opened."
  value       = module.tidewire.gateway_url
}
