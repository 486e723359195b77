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

variable "publisher" {
  description = "Who may give the crawler jobs, such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com."
  type        = string
  nullable    = false
}

variable "readings" {
  description = "Full name of the topic that devices publish to, projects/P/topics/T."
  type        = string
  nullable    = false
}

module "tidewire" {
  source = "../../modules/tidewire"

  project   = var.project
  region    = var.region
  images    = var.images
  functions = var.functions

  # A job: gcloud pubsub topics publish tidewire-crawler --message='{"id":"docs-1","tenant":"acme","channel":"crawl:docs",
  # "start":["https://docs.example.com/"],"hosts":["docs.example.com"],"pages":200}'
  crawler = {
    hosts      = ["docs.example.com", "*.example.org"]
    publishers = [var.publisher]
  }

  # Each reading becomes the newest value of its device, in the channel of its site; hot ones are alerts as well.
  filter = {
    topic = var.readings
    rules = jsonencode({
      tenant = "acme"
      fields = ["data.celsius"]
      rules = [
        { channel = "readings:{tags.site}", key = "{data.device}", tags = ["site"] },
        { channel = "alerts:heat", key = "{data.device}", when = "num(data.celsius) > 70" },
      ]
    })
  }

  # Three more instances than a new project's quota has room for during a release, unless the gateways leave it.
  sizes = { gateway = { max = 2 } }
}

output "gateway_url" {
  description = "Where sockets are opened."
  value       = module.tidewire.gateway_url
}

output "triggers" {
  description = "Topics of jobs and of readings, and where their dead letters wait."
  value       = module.tidewire.triggers
}
