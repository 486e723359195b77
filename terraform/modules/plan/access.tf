# Who may do what. An identity has what its program calls, and nothing more.
#
# Topics and subscriptions come and go at run time, made by the api and the gateways, and IAM of Pub/Sub knows no conditions on their names. So
# what programs may do with them is granted on the project; what is there from the start is granted on the resource.
locals {
  # Predefined roles that would fit are far wider: roles/pubsub.editor deletes topics, snapshots and schemas, detaches others'
  # subscriptions and sets what they keep, and roles/pubsub.subscriber cannot create one. roles/datastore.user lets a janitor write tenants.
  roles = {
    follower = {
      title       = "Tidewire gateway"
      description = "Publishes to topics of tenants and follows them with subscriptions of its own."
      permissions = [
        "pubsub.subscriptions.consume", # pull, acknowledge, seek
        "pubsub.subscriptions.create",
        "pubsub.subscriptions.delete",
        "pubsub.subscriptions.get",
        "pubsub.subscriptions.list", # for the budget
        "pubsub.topics.attachSubscription",
        "pubsub.topics.get",
        "pubsub.topics.publish",
      ]
    }
    keeper = {
      title       = "Tidewire keeper"
      description = "Reads topics of tenants with a subscription of its own, and publishes markers to them."
      permissions = [
        "pubsub.subscriptions.consume", # pull, acknowledge, seek
        "pubsub.subscriptions.create",
        "pubsub.subscriptions.delete",
        "pubsub.subscriptions.get",
        "pubsub.topics.attachSubscription",
        "pubsub.topics.get",
        "pubsub.topics.publish",
      ]
    }
    provisioner = {
      title       = "Tidewire api"
      description = "Makes topics of tenants, publishes to them, and reads what they keep with subscriptions of its own."
      permissions = [
        "pubsub.subscriptions.consume", # pull, acknowledge, seek
        "pubsub.subscriptions.create",
        "pubsub.subscriptions.delete",
        "pubsub.subscriptions.get",
        "pubsub.subscriptions.list", # for the budget
        "pubsub.topics.attachSubscription",
        "pubsub.topics.create",
        "pubsub.topics.get",
        "pubsub.topics.publish",
        "pubsub.topics.update",
      ]
    }
    sweeper = {
      title       = "Tidewire janitor, subscriptions"
      description = "Removes the subscriptions of dead instances."
      permissions = ["pubsub.subscriptions.delete", "pubsub.subscriptions.list"]
    }
    remover = {
      title       = "Tidewire janitor, documents"
      description = "Reads documents, removes those of dead instances, and writes which channels have no readers any more."
      permissions = ["datastore.databases.get", "datastore.entities.delete", "datastore.entities.get", "datastore.entities.list", "datastore.entities.update"]
    }
  }
  role_ids   = { for r in keys(local.roles) : r => "${replace(var.name, "-", "_")}_${r}" }
  role_names = { for r, id in local.role_ids : r => "projects/${var.project}/roles/${id}" }

  # Who tells Cloud Monitoring and Cloud Trace. roles/telemetry.writer would let it write logs, too.
  telemetry_roles = var.telemetry ? ["roles/telemetry.metricsWriter", "roles/telemetry.tracesWriter"] : []

  grants = merge(
    {
      "gateway/topics"   = { account = "gateway", role = local.role_names.follower, resource_kind = "project", resource = var.project }
      "gateway/database" = { account = "gateway", role = "roles/datastore.user", resource_kind = "database", resource = var.database }

      "api/topics"    = { account = "api", role = local.role_names.provisioner, resource_kind = "project", resource = var.project }
      "api/database"  = { account = "api", role = "roles/datastore.user", resource_kind = "database", resource = var.database }
      "api/operators" = { account = "api", role = "roles/secretmanager.secretAccessor", resource_kind = "secret", resource = local.secrets.operators }

      "ingest/topics"   = { account = "ingest", role = "roles/pubsub.publisher", resource_kind = "project", resource = var.project }
      "ingest/database" = { account = "ingest", role = "roles/datastore.viewer", resource_kind = "database", resource = var.database }

      "janitor/subscriptions" = { account = "janitor", role = local.role_names.sweeper, resource_kind = "project", resource = var.project }
      "janitor/database"      = { account = "janitor", role = local.role_names.remover, resource_kind = "database", resource = var.database }
      "janitor/lost"          = { account = "janitor", role = "roles/pubsub.publisher", resource_kind = "topic", resource = local.lost }

      "keeper/topics"   = { account = "keeper", role = local.role_names.keeper, resource_kind = "project", resource = var.project }
      "keeper/database" = { account = "keeper", role = "roles/datastore.user", resource_kind = "database", resource = var.database }

      "scheduler/keeper"  = { account = "scheduler", role = "roles/run.invoker", resource_kind = "service", resource = "${var.name}-keeper" }
      "scheduler/janitor" = { account = "scheduler", role = "roles/run.invoker", resource_kind = "service", resource = "${var.name}-janitor" }
    },
    # The dashboard serves files; only the demo's sessions are signed, with the tenants' keys.
    var.demo ? {
      "dashboard/database" = { account = "dashboard", role = "roles/datastore.viewer", resource_kind = "database", resource = var.database }
    } : {},
    # The probe signs its token with its tenant's key, and does the rest as any client would.
    var.probe_tenant == null ? {} : {
      "probe/database" = { account = "probe", role = "roles/datastore.viewer", resource_kind = "database", resource = var.database }
    },
    # As ingest: they read where tenants are, and publish for them.
    merge([for p in keys(local.triggers) : {
      "${p}/topics"   = { account = p, role = "roles/pubsub.publisher", resource_kind = "project", resource = var.project }
      "${p}/database" = { account = p, role = "roles/datastore.viewer", resource_kind = "database", resource = var.database }
      "trigger/${p}"  = { account = "trigger", role = "roles/run.invoker", resource_kind = "service", resource = "${var.name}-${p}" }
    }]...),
    merge([for p in local.seen : {
      for role in local.telemetry_roles : "${p}/${split(".", role)[1]}" => {
        account = p, role = role, resource_kind = "project", resource = var.project
      }
    }]...),
  )

  # Whom everybody may call: they judge tokens themselves, and a browser has none of Google's. All others need IAM.
  public = ["gateway", "api", "dashboard", "ingest"]
}
