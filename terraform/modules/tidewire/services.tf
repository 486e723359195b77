locals {
  # What differs between the services, besides their size.
  services = {
    # Sockets are requests: as many as Cloud Run lets one instance have, for as long as it lets them be. A client that comes
    # back finds its instance's record warm, if it finds the instance.
    gateway = { concurrency = 1000, timeout_seconds = 3600, session_affinity = true }
    api     = { concurrency = 80, timeout_seconds = 60, session_affinity = false }
    # Only files, and a session for each page.
    dashboard = { concurrency = 200, timeout_seconds = 30, session_affinity = false }
  }

  network = var.vpc_egress == null ? null : var.vpc_egress.network == null ? one(module.network[*].network) : { network = var.vpc_egress.network, subnetwork = var.vpc_egress.subnetwork }

  secret_versions = { (module.secrets.operators.secret) = module.secrets.operators.version }
}

module "service" {
  source   = "../service"
  for_each = local.services

  project         = var.project
  region          = var.region
  name            = module.plan.programs.services[each.key]
  image           = var.images[each.key]
  service_account = local.emails[each.key]
  environment     = module.plan.environments[each.key]
  secret_environment = {
    for env, secret in lookup(module.plan.secret_environments, each.key, {}) : env => {
      secret  = secret
      version = local.secret_versions[secret]
    }
  }

  concurrency      = each.value.concurrency
  timeout_seconds  = each.value.timeout_seconds
  session_affinity = each.value.session_affinity
  cpu              = var.sizes[each.key].cpu
  memory           = var.sizes[each.key].memory
  min_instances    = var.sizes[each.key].min
  max_instances    = var.sizes[each.key].max
  cpu_idle         = var.sizes[each.key].cpu_idle

  public               = contains(module.plan.public, each.key)
  behind_load_balancer = contains(keys(var.domains), each.key)
  invoker_iam_disabled = var.invoker_iam_disabled
  network              = local.network
  labels               = var.labels
  kms_key              = var.kms_key
  deletion_protection  = var.deletion_protection
  url                  = "https://${module.plan.hosts[each.key]}"

  # What it reads and whom it asks has to be there, or its first instance does not start.
  depends_on = [
    google_project_service.this,
    google_project_iam_member.project,
    google_project_iam_member.database,
    google_secret_manager_secret_iam_member.this,
    module.firestore,
    module.pubsub,
  ]
}
