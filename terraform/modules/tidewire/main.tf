data "google_project" "this" {
  project_id = var.project
}

# Names, settings and rights, without a provider; all that follows makes what it says.
module "plan" {
  source = "../plan"

  project           = var.project
  number            = data.google_project.this.number
  region            = var.region
  name              = var.name
  database          = var.database
  tenants           = var.tenants
  shards            = var.shards
  retention_seconds = var.retention_seconds
  subscriptions     = var.subscriptions
  domains           = var.domains
  demo              = var.demo
  probe_tenant      = var.probe_tenant
  # A gateway closes what is silent for a minute: sockets can be held only if runs are not further apart.
  probe           = { seconds = var.probe.seconds, held = var.probe.period_seconds > 60 ? 0 : var.probe.held }
  crawler         = var.crawler
  filter          = var.filter
  log_level       = var.log_level
  telemetry       = var.telemetry
  hook_url        = var.hook_url
  metrics_tenants = var.metrics_tenants
  concurrency     = local.services.gateway.concurrency
  sizes           = var.sizes
  expected        = var.expected
  quota           = var.quota
}

locals {
  apis = concat(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudfunctions.googleapis.com",
      "cloudscheduler.googleapis.com",
      "cloudtrace.googleapis.com",
      "firebaserules.googleapis.com",
      "firestore.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "storage.googleapis.com",
      "telemetry.googleapis.com", # takes metrics and traces by OTLP
    ],
    length(var.domains) > 0 || var.vpc_egress != null ? ["compute.googleapis.com"] : [],
    var.budget != null ? ["billingbudgets.googleapis.com"] : [],
  )
}

# Left on by a destroy: something else in the project may need them.
resource "google_project_service" "this" {
  for_each = toset(local.apis)

  project            = var.project
  service            = each.key
  disable_on_destroy = false
}

module "pubsub" {
  source = "../pubsub"

  project = var.project
  region  = var.region
  number  = data.google_project.this.number
  topics  = module.plan.topics
  lost    = module.plan.lost
  labels  = var.labels
  kms_key = var.kms_key
  hook = module.plan.hook == null ? null : {
    subscription    = module.plan.hook.subscription
    url             = module.plan.hook.url
    service_account = local.emails["push"]
  }

  depends_on = [google_project_service.this]
}

module "firestore" {
  source = "../firestore"

  project                = var.project
  database               = module.plan.database
  location               = coalesce(var.firestore_location, var.region)
  fields                 = module.plan.fields
  point_in_time_recovery = var.point_in_time_recovery
  backup_days            = var.backup_days
  kms_key                = var.kms_key
  deletion_protection    = var.deletion_protection

  depends_on = [google_project_service.this]
}

module "secrets" {
  source = "../secrets"

  project             = var.project
  region              = var.region
  operators           = module.plan.secrets.operators
  operators_version   = var.operators_version
  labels              = var.labels
  kms_key             = var.kms_key
  deletion_protection = var.deletion_protection

  depends_on = [google_project_service.this]
}

module "network" {
  source = "../network"
  count  = var.vpc_egress == null ? 0 : var.vpc_egress.network == null ? 1 : 0

  project       = var.project
  region        = var.region
  name          = var.name
  cidr          = var.vpc_egress.cidr
  nat_addresses = var.vpc_egress.nat_addresses

  depends_on = [google_project_service.this]
}

module "edge" {
  source = "../edge"
  count  = length(var.domains) > 0 ? 1 : 0

  project             = var.project
  region              = var.region
  name                = var.name
  requests_per_minute = var.requests_per_minute
  labels              = var.labels
  routes = {
    for p, domain in var.domains : p => {
      domain  = domain
      service = contains(keys(module.service), p) ? module.service[p].name : module.function[p].name
    }
  }

  depends_on = [google_project_service.this]
}
