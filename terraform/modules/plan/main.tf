locals {
  services = ["gateway", "api", "dashboard"]
  functions = concat(
    ["ingest", "janitor", "keeper"],
    var.probe_tenant == null ? [] : ["probe"],
    var.crawler == null ? [] : ["crawler"],
    var.filter == null ? [] : ["filter"],
  )
  programs = concat(local.services, local.functions)

  # Account and service of a program have the same name.
  accounts = merge(
    { for p in local.programs : p => "${var.name}-${p}" },
    { scheduler = "${var.name}-scheduler" },
    var.hook_url == null ? {} : { push = "${var.name}-push" },
    var.crawler == null && var.filter == null ? {} : { trigger = "${var.name}-trigger" },
  )

  # Made by the bootstrap. check builds a commit and plans, build applies, functions compiles the functions.
  builders     = { check = "${var.name}-check", build = "${var.name}-build", functions = "${var.name}-functions" }
  repositories = { images = var.name, functions = "${var.name}-functions" }
  buckets      = { state = "${var.project}-${var.name}-state", functions = "${var.project}-${var.name}-functions" }

  # The address that Cloud Run gives is known before the service is, so nothing has to wait for anything.
  hosts = { for p in local.programs : p => "${var.name}-${p}-${var.number}.${var.region}.run.app" }
  urls  = { for p, host in local.hosts : p => "https://${lookup(var.domains, p, host)}" }

  lost = "${var.name}-lost"
  dead = "${var.name}-lost-dead"

  secrets = { operators = "${var.name}-operators" }
}

# Topics: the names of realtime.Placed, the settings of the driver's EnsureTopic, so that the api finds them as it would have made them.
locals {
  labels = { tidewire = "topic" }

  own = {
    for id, t in var.tenants : "tw-${id}" => {
      tenant = id, shard = null, retention_seconds = max(t.retention_seconds, var.retention_seconds), labels = local.labels
    } if t.placement == "own"
  }
  pooled = {
    for n in range(var.shards) : "tw_pool_${n}" => {
      tenant = null, shard = n, retention_seconds = var.retention_seconds, labels = local.labels
    }
  }
  topics = merge(local.own, local.pooled)

  # What PUT /v1/tenants/{tenant} has to say of placement and limits; keys, origins and rules of channels are the operator's.
  documents = {
    for id, t in var.tenants : id => merge(
      { placement = t.placement },
      length(t.limits) == 0 ? {} : { limits = t.limits },
    )
  }
}
