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

  # Calls with a person's credentials belong to no project by themselves, and Firebase Rules and the budgets refuse such. Who applies may use
  # services of the project (serviceusage.services.use), as its owner and the accounts of builds do.
  user_project_override = true
  billing_project       = var.project
}
