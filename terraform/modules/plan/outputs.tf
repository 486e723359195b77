output "name" {
  description = "Prefix of the names of created resources."
  value       = var.name
}

output "tenants" {
  description = "Tenants by identifier, with all defaults filled in, and the topic of those that have their own."
  value = { for id, t in var.tenants : id => merge(t, {
    topic = t.placement == "own" ? "tw-${id}" : null
  }) }
}

output "documents" {
  description = "What each tenant's document must have in addition to its keys and rules: placement and limits, in the format of PUT /v1/tenants/{tenant}."
  value       = local.documents
}

output "topics" {
  description = "Topics by name: retention_seconds, labels, and the tenant that owns it or the shard that it is."
  value       = local.topics
}

output "lost" {
  description = "Topic and pull subscription of lost connections, and topic and subscription of their dead letters."
  value       = { topic = local.lost, subscription = local.lost, dead_topic = local.dead, dead_subscription = local.dead }
}

output "hook" {
  description = "Push subscription of lost connections: its name and the address it pushes to; null for none."
  value       = var.hook_url == null ? null : { subscription = "${local.lost}-hook", url = var.hook_url }
}

output "triggers" {
  description = "Functions that Pub/Sub calls, by short name: topic (also the name of its push subscription), dead (topic and subscription of dead letters), existing (full name of the topic if it is not created), publishers, ack_seconds, keep_seconds, max_attempts, ordered."
  value       = local.triggers
}

output "programs" {
  description = "Short names of services and functions, and the name of each in Cloud Run."
  value = {
    services  = { for p in local.services : p => "${var.name}-${p}" }
    functions = { for p in local.functions : p => "${var.name}-${p}" }
  }
}

output "accounts" {
  description = "Identifiers of service accounts by short name."
  value       = local.accounts
}

output "builders" {
  description = "Identifiers of the accounts that the bootstrap creates: check builds a commit and plans, build applies, functions compiles the functions."
  value       = local.builders
}

output "repositories" {
  description = "Artifact Registry repositories that the bootstrap creates: images, for the services, and functions, for the functions."
  value       = local.repositories
}

output "buckets" {
  description = "Buckets that the bootstrap creates: state, for Terraform's state, and functions, for the functions' source archives."
  value       = local.buckets
}

output "emails" {
  description = "Addresses of accounts and builders."
  value       = { for a, id in merge(local.accounts, local.builders) : a => "${id}@${var.project}.iam.gserviceaccount.com" }
}

output "roles" {
  description = "Custom roles by short name: id, title, description, permissions."
  value       = { for r, role in local.roles : r => merge(role, { id = local.role_ids[r] }) }
}

output "grants" {
  description = "What each account may do: account (short name), role, resource_kind (project, database, topic, secret or service) and resource."
  value       = local.grants
}

output "public" {
  description = "Short names of services and functions that everybody may call."
  value       = local.public
}

output "environments" {
  description = "Environment variables of each service and function, by short name."
  value       = local.environments
}

output "secret_environments" {
  description = "Environment variables that are read from Secret Manager, by short name of the service: variable to secret."
  value       = local.secret_environments
}

output "secrets" {
  description = "Names of secrets, by purpose."
  value       = local.secrets
}

output "hosts" {
  description = "Host that Cloud Run gives each service and function, by short name."
  value       = local.hosts
}

output "urls" {
  description = "Address at which each is called: its domain if it has one, otherwise Cloud Run's address."
  value       = local.urls
}

output "fields" {
  description = "Settings of fields in Firestore by collection.field: collection, field, ttl, group (an index over all collections of the name), array (the same for the elements of an array), plain (no index), step (its place in the order in which they are applied)."
  value       = local.fields
}

output "database" {
  description = "Identifier of the Firestore database."
  value       = var.database
}

output "capacity" {
  description = "What the deployment carries (figures), what it was computed from (inputs), what Cloud Run would refuse (refused), and limits that would be exceeded under load (walls), both by name with a text. tidewire doctor reads it."
  value = {
    figures = local.figures
    inputs = {
      sizes         = { for p in local.programs : p => { cpu = tonumber(var.sizes[p].cpu), memory = var.sizes[p].memory, max = var.sizes[p].max } }
      concurrency   = var.concurrency
      tenants       = local.own_tenants
      shards        = var.shards
      sockets       = var.expected.sockets
      subscriptions = var.subscriptions
      quota         = var.quota
    }
    refused = local.refused
    walls   = local.walls
  }

  precondition {
    condition     = length(local.refused) == 0
    error_message = join(" ", values(local.refused))
  }
}
