locals {
  # What differs between the functions, besides their size. Those with a domain are reached through the load balancer alone.
  functions = {
    ingest = {
      concurrency     = 80
      timeout_seconds = 60
      ingress         = contains(keys(var.domains), "ingest") ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_ALL"
    }
    # One run at a time and instance, ten seconds longer than it takes at most (TIDEWIRE_JANITOR_TIME). Cloud Scheduler counts as internal.
    janitor = { concurrency = 1, timeout_seconds = 60, ingress = "ALLOW_INTERNAL_ONLY" }
    # As the janitor (TIDEWIRE_KEEPER_TIME).
    keeper = { concurrency = 1, timeout_seconds = 60, ingress = "ALLOW_INTERNAL_ONLY" }
    # Uptime checks come from outside, with a token that IAM checks.
    probe = { concurrency = 10, timeout_seconds = var.probe.seconds + 10, ingress = "ALLOW_ALL" }
    # Jobs wait for hosts and not for CPU. Pub/Sub counts as internal.
    crawler = { concurrency = 4, timeout_seconds = try(var.crawler.job_seconds, 480) + 30, ingress = "ALLOW_INTERNAL_ONLY" }
    filter  = { concurrency = 80, timeout_seconds = 60, ingress = "ALLOW_INTERNAL_ONLY" }
  }
}

# The bucket is the bootstrap's; where the build has uploaded the archive, as it does before it plans, there is nothing to be done.
resource "google_storage_bucket_object" "functions" {
  count = var.functions == null ? 1 : 0

  bucket = module.plan.buckets.functions
  # Another source is another object, and the functions are built anew.
  name   = "functions-${substr(filesha256(var.functions_archive), 0, 16)}.zip"
  source = var.functions_archive

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  source_object = var.functions != null ? var.functions : {
    bucket = module.plan.buckets.functions
    object = google_storage_bucket_object.functions[0].name
  }
}

module "function" {
  source   = "../function"
  for_each = module.plan.programs.functions

  project         = var.project
  region          = var.region
  name            = each.value
  entry_point     = each.key
  tags            = contains(keys(module.plan.triggers), each.key) ? "" : "core" # crawler and filter link what the others do not need
  source_object   = local.source_object
  builder         = "projects/${var.project}/serviceAccounts/${module.plan.emails.functions}"
  repository      = "projects/${var.project}/locations/${var.region}/repositories/${module.plan.repositories.functions}"
  service_account = local.emails[each.key]
  environment     = module.plan.environments[each.key]

  concurrency     = local.functions[each.key].concurrency
  timeout_seconds = local.functions[each.key].timeout_seconds
  cpu             = var.sizes[each.key].cpu
  memory          = var.sizes[each.key].memory
  min_instances   = var.sizes[each.key].min
  max_instances   = var.sizes[each.key].max

  # IAM is asked of a function in any case: without allUsers it is opened by hand.
  public  = contains(module.plan.public, each.key) && !var.invoker_iam_disabled
  labels  = var.labels
  kms_key = var.kms_key
  ingress = local.functions[each.key].ingress

  depends_on = [
    google_project_service.this,
    google_project_iam_member.project,
    google_project_iam_member.database,
    google_pubsub_topic_iam_member.this,
    module.firestore,
    module.pubsub,
  ]
}

# A run that fails is not tried again: the next is a minute away.
resource "google_cloud_scheduler_job" "janitor" {
  project          = var.project
  region           = var.region
  name             = module.plan.programs.functions.janitor
  description      = "Removes what dead instances have left."
  schedule         = "* * * * *"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = module.function["janitor"].uri

    oidc_token {
      service_account_email = local.emails["scheduler"]
      audience              = module.function["janitor"].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.this]
}

resource "google_cloud_scheduler_job" "keeper" {
  project          = var.project
  region           = var.region
  name             = module.plan.programs.functions.keeper
  description      = "Writes the checkpoints of keyed state."
  schedule         = "* * * * *"
  attempt_deadline = "60s"

  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = module.function["keeper"].uri

    oidc_token {
      service_account_email = local.emails["scheduler"]
      audience              = module.function["keeper"].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.this]
}
