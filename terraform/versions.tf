terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # The bucket is made by bootstrap: terraform init -backend-config=bucket=...
  backend "gcs" {
    prefix = "tidewire"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
