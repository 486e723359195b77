terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # Its state is a local file at first, because the bucket is made here. terraform/bootstrap/README.md says how to move it there.
}

provider "google" {
  project = var.project
  region  = var.region
}
