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

variable "domain" {
  description = "Domain whose names live, api, see and in are served; their A records name the output edge_address."
  type        = string
  nullable    = false
}

variable "kms_key" {
  description = "Full name of the Cloud KMS key."
  type        = string
  nullable    = false
}

variable "emails" {
  description = "Addresses that incidents and the budget are told to."
  type        = list(string)
  nullable    = false
}

variable "billing_account" {
  description = "Billing account of the budget, such as 012345-ABCDEF-012345."
  type        = string
  nullable    = false
}

module "tidewire" {
  source = "../../modules/tidewire"

  project   = var.project
  region    = var.region
  images    = var.images
  functions = var.functions

  domains = {
    gateway   = "live.${var.domain}"
    api       = "api.${var.domain}"
    dashboard = "see.${var.domain}"
    ingest    = "in.${var.domain}"
  }

  # Billed for their whole life, at a lower price, as suits gateways that hold sockets day and night.
  sizes    = { gateway = { cpu = "2", memory = "2Gi", min = 2, max = 20, cpu_idle = false } }
  quota    = { cpu = 200, memory_gib = 200 }
  expected = { sockets = 10000, tenants = 200 }

  probe_tenant           = "probe"
  kms_key                = var.kms_key
  point_in_time_recovery = true

  labels              = { service = "tidewire", environment = "production" }
  notification_emails = var.emails
  budget              = { billing_account = var.billing_account, amount = 5000 }
}

output "gateway_url" {
  description = "Where sockets are opened."
  value       = module.tidewire.gateway_url
}

output "edge_address" {
  description = "Address for the A records of the names."
  value       = module.tidewire.edge_address
}
