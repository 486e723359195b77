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

variable "network" {
  description = "Full name of the network, projects/P/global/networks/N."
  type        = string
  nullable    = false
}

variable "subnetwork" {
  description = "Full name of the subnetwork, projects/P/regions/R/subnetworks/N; a /26 at least."
  type        = string
  nullable    = false
}

module "tidewire" {
  source = "../../modules/tidewire"

  project   = var.project
  region    = var.region
  images    = var.images
  functions = var.functions

  # Direct VPC egress of the services through a network that is there: a shared VPC, say. Google's agent of Cloud Run needs
  # roles/compute.networkUser on the subnetwork.
  vpc_egress = { network = var.network, subnetwork = var.subnetwork }
}

output "gateway_url" {
  description = "Where sockets are opened."
  value       = module.tidewire.gateway_url
}
