# Three accounts, because a commit's own code runs in its build: until somebody has approved, it runs as one that can change nothing.
#
#   check      builds a commit, reads what there is, and plans: it may push images and archives, and keep the plan
#   build      applies a plan, in a build that somebody has approved
#   functions  compiles functions, for Cloud Functions
locals {
  emails  = { for b in keys(module.plan.builders) : b => module.plan.emails[b] }
  members = { for b, account in google_service_account.this : b => account.member }

  # What the root grants on the project, and so what the build may. The list is kept to ten roles, since IAM bounds what a condition holds.
  grantable = sort(distinct([for g in values(module.plan.grants) : g.role if contains(["project", "database"], g.resource_kind)]))

  # Reading, for a plan. No roles/viewer, which reads tenants' documents, too.
  reader = [
    "cloudfunctions.functions.get",
    "cloudfunctions.functions.list",
    "cloudfunctions.locations.list",
    "cloudfunctions.operations.get",
    "cloudscheduler.jobs.get",
    "datastore.backupSchedules.get",
    "datastore.backupSchedules.list",
    "datastore.databases.get",
    "datastore.databases.getMetadata",
    "datastore.schemas.get", # indexes, and settings of fields
    "datastore.schemas.list",
    "firebaserules.releases.get",
    "firebaserules.releases.list",
    "firebaserules.rulesets.get",
    "firebaserules.rulesets.list",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getIamPolicy",
    "logging.exclusions.get",
    "logging.logMetrics.get",
    "monitoring.alertPolicies.get",
    "monitoring.dashboards.get",
    "monitoring.notificationChannels.get",
    "monitoring.services.get",
    "monitoring.slos.get",
    "monitoring.uptimeCheckConfigs.get",
    "pubsub.subscriptions.get",
    "pubsub.subscriptions.getIamPolicy",
    "pubsub.topics.get",
    "pubsub.topics.getIamPolicy",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "run.operations.get",
    "run.services.get",
    "run.services.getIamPolicy",
    "secretmanager.secrets.get",
    "secretmanager.secrets.getIamPolicy",
    "secretmanager.versions.get",
    "serviceusage.services.get",
    "serviceusage.services.list",
    "serviceusage.services.use", # the project as the one that calls are billed to (provider google, billing_project)
    "storage.buckets.get",
  ]
  reader_edge = [
    "compute.backendServices.get",
    "compute.globalAddresses.get",
    "compute.globalForwardingRules.get",
    "compute.globalOperations.get",
    "compute.networks.get",
    "compute.regionNetworkEndpointGroups.get",
    "compute.regionOperations.get",
    "compute.routers.get",
    "compute.securityPolicies.get",
    "compute.sslCertificates.get",
    "compute.sslPolicies.get",
    "compute.subnetworks.get",
    "compute.targetHttpProxies.get",
    "compute.targetHttpsProxies.get",
    "compute.urlMaps.get",
  ]

  # Making what predefined roles give only together with more: with reading tenants' documents and their keys (roles/datastore.owner),
  # the operators' key (roles/secretmanager.admin), messages (roles/pubsub.admin), or with saying who may be which account
  # (roles/iam.serviceAccountAdmin).
  writer = [
    "datastore.backupSchedules.create",
    "datastore.backupSchedules.delete",
    "datastore.backupSchedules.update",
    "datastore.databases.create",
    "datastore.databases.delete",
    "datastore.databases.update",
    "datastore.operations.get",
    "datastore.operations.list",
    "datastore.schemas.create",
    "datastore.schemas.delete",
    "datastore.schemas.update",
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.update",
    "pubsub.subscriptions.create",
    "pubsub.subscriptions.delete",
    "pubsub.subscriptions.setIamPolicy",
    "pubsub.subscriptions.update",
    "pubsub.topics.attachSubscription",
    "pubsub.topics.create",
    "pubsub.topics.delete",
    "pubsub.topics.setIamPolicy",
    "pubsub.topics.update",
    "secretmanager.secrets.create",
    "secretmanager.secrets.delete",
    "secretmanager.secrets.setIamPolicy",
    "secretmanager.secrets.update",
    "secretmanager.versions.add",
    "secretmanager.versions.destroy",
    "secretmanager.versions.disable",
    "secretmanager.versions.enable",
  ]

  # And where the predefined role is what is needed.
  build_roles = concat(
    [
      "roles/cloudfunctions.developer",
      "roles/cloudscheduler.admin",
      "roles/firebaserules.admin",
      "roles/iam.serviceAccountUser", # to run a service as its account
      "roles/logging.configWriter",   # metrics made of log lines, and what is not kept
      "roles/logging.logWriter",      # its own log
      "roles/monitoring.editor",
      "roles/run.admin", # also who may call a service
      "roles/serviceusage.serviceUsageAdmin",
    ],
    var.edge ? ["roles/compute.loadBalancerAdmin", "roles/compute.networkAdmin", "roles/compute.securityAdmin"] : [],
  )
}

resource "google_service_account" "this" {
  for_each = module.plan.builders

  project      = var.project
  account_id   = each.value
  display_name = "Tidewire ${each.key}"

  depends_on = [google_project_service.this]
}

# Those of the programs, which the root grants.
resource "google_project_iam_custom_role" "program" {
  for_each = module.plan.roles

  project     = var.project
  role_id     = each.value.id
  title       = each.value.title
  description = each.value.description
  permissions = each.value.permissions

  depends_on = [google_project_service.this]
}

resource "google_project_iam_custom_role" "reader" {
  project     = var.project
  role_id     = "${replace(var.name, "-", "_")}_planner"
  title       = "Tidewire plans"
  description = "Reads what a plan compares with, and nothing that is in it."
  permissions = concat(local.reader, var.edge ? local.reader_edge : [])

  depends_on = [google_project_service.this]
}

resource "google_project_iam_custom_role" "writer" {
  project     = var.project
  role_id     = "${replace(var.name, "-", "_")}_deployer"
  title       = "Tidewire deployments"
  description = "Makes topics, databases and secrets without reading what is in them."
  permissions = local.writer

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "reader" {
  for_each = toset(["check", "build"])

  project = var.project
  role    = google_project_iam_custom_role.reader.name
  member  = local.members[each.key]
}

resource "google_project_iam_member" "writer" {
  project = var.project
  role    = google_project_iam_custom_role.writer.name
  member  = local.members["build"]
}

resource "google_project_iam_member" "build" {
  for_each = toset(local.build_roles)

  project = var.project
  role    = each.key
  member  = local.members["build"]
}

# Without the condition whoever may change a plan could make himself owner of the project. The custom roles among them are made here,
# where a build cannot change what they hold.
resource "google_project_iam_member" "grants" {
  project = var.project
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = local.members["build"]

  condition {
    title       = "roles of the platform"
    description = "Only roles that the platform's root grants."
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", formatlist("'%s'", local.grantable))}])"
  }

  lifecycle {
    precondition {
      condition     = length(local.grantable) <= 10
      error_message = "The condition is kept to ten roles, and the platform grants ${length(local.grantable)}."
    }
  }
}

resource "google_project_iam_member" "log" {
  for_each = toset(["check", "functions"])

  project = var.project
  role    = "roles/logging.logWriter"
  member  = local.members[each.key]
}

# Archives: the check puts them there under the name of their content, and cannot change one that is there.
resource "google_storage_bucket_iam_member" "archives" {
  for_each = {
    check_creates = { builder = "check", role = "roles/storage.objectCreator" }
    check_reads   = { builder = "check", role = "roles/storage.objectViewer" }
    build         = { builder = "build", role = "roles/storage.objectUser" }
    functions     = { builder = "functions", role = "roles/storage.objectViewer" }
  }

  bucket = google_storage_bucket.this["functions"].name
  role   = each.value.role
  member = local.members[each.value.builder]
}

# The state: the build writes it; the check reads it, locks it while it plans, and keeps the plan.
resource "google_storage_bucket_iam_member" "state" {
  for_each = {
    build       = { builder = "build", role = "roles/storage.objectUser", objects = null }
    check_reads = { builder = "check", role = "roles/storage.objectViewer", objects = null }
    check_locks = { builder = "check", role = "roles/storage.objectUser", objects = "${var.name}/default.tflock" }
    check_keeps = { builder = "check", role = "roles/storage.objectUser", objects = "plans/" }
  }

  bucket = google_storage_bucket.this["state"].name
  role   = each.value.role
  member = local.members[each.value.builder]

  dynamic "condition" {
    for_each = each.value.objects == null ? [] : [each.value.objects]
    content {
      title      = "objects ${condition.value}"
      expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.this["state"].name}/objects/${condition.value}\")"
    }
  }
}

# Cloud Functions copies an archive to a bucket of its own before it is compiled, and it is read there.
resource "google_project_iam_member" "functions_source" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = local.members["functions"]

  condition {
    title      = "sources of functions"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-\")"
  }
}

resource "google_artifact_registry_repository_iam_member" "this" {
  for_each = {
    check_images        = { builder = "check", repository = "images", role = "roles/artifactregistry.writer" }
    build_images        = { builder = "build", repository = "images", role = "roles/artifactregistry.reader" }
    build_functions     = { builder = "build", repository = "functions", role = "roles/artifactregistry.reader" }
    functions_functions = { builder = "functions", repository = "functions", role = "roles/artifactregistry.writer" }
  }

  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.this[each.value.repository].name
  role       = each.value.role
  member     = local.members[each.value.builder]
}
