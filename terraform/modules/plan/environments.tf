# What each program reads of its environment (docs/configuration.md, docs/functions.md). What is not here has the program's default.
locals {
  # Every service and function.
  common = {
    TIDEWIRE_BACKEND   = "gcp:${var.project}"
    TIDEWIRE_DATABASE  = var.database
    TIDEWIRE_LOG_LEVEL = var.log_level
    # Order holds for what is published in one region, and the global address may take a message elsewhere.
    TIDEWIRE_PUBSUB_REGION = var.region
  }

  # Who sends metrics and traces. The other functions say all in their logs.
  seen    = concat(local.services, ["ingest"])
  sending = { TIDEWIRE_REGION = var.region, TIDEWIRE_TELEMETRY = var.telemetry ? "gcp" : "none", TIDEWIRE_METRICS_TENANTS = tostring(var.metrics_tenants) }

  # Who has to know where a tenant is: the same number everywhere, or tenants are published to where nobody listens.
  placing = { TIDEWIRE_SHARDS = tostring(var.shards), TIDEWIRE_RETENTION = "${var.retention_seconds}s" }

  environments = { for p, e in {
    gateway = merge(local.common, local.placing, {
      TIDEWIRE_SUBSCRIPTIONS   = tostring(var.subscriptions)
      TIDEWIRE_LIFECYCLE_TOPIC = local.lost
      # A load balancer writes one more element of X-Forwarded-For before Cloud Run does.
      TIDEWIRE_PROXIES = contains(keys(var.domains), "gateway") ? "2" : "1"
    })
    api = merge(local.common, local.placing)
    dashboard = merge(local.common, local.placing, {
      TIDEWIRE_GATEWAY = local.urls.gateway
      TIDEWIRE_DEMO    = tostring(var.demo)
      TIDEWIRE_HOSTS   = join(",", distinct([lookup(var.domains, "dashboard", local.hosts.dashboard), local.hosts.dashboard]))
    })
    ingest  = merge(local.common, local.placing)
    janitor = merge(local.common, { TIDEWIRE_LIFECYCLE_TOPIC = local.lost, TIDEWIRE_JANITOR_TIME = "50s" })
    keeper  = merge(local.common, local.placing, { TIDEWIRE_KEEPER_TIME = "50s" })
    # It comes as any client of its tenant would, by the addresses that clients have.
    probe = merge(local.common, {
      TIDEWIRE_GATEWAY      = local.urls.gateway
      TIDEWIRE_INGEST       = local.urls.ingest
      TIDEWIRE_PROBE_TENANT = coalesce(var.probe_tenant, "-") # left out without a tenant
      TIDEWIRE_PROBE_TIME   = "${var.probe.seconds}s"
      TIDEWIRE_PROBE_HELD   = tostring(var.probe.held)
    })
    crawler = merge(local.common, local.placing, {
      TIDEWIRE_CRAWLER_HOSTS = join(",", try(var.crawler.hosts, []))
      TIDEWIRE_CRAWLER_DELAY = "${try(var.crawler.delay_seconds, 1)}s"
      TIDEWIRE_CRAWLER_TIME  = "${try(var.crawler.job_seconds, 480)}s"
    })
    filter = merge(local.common, local.placing, { TIDEWIRE_FILTER_RULES = try(var.filter.rules, "") })
  } : p => merge(e, contains(local.seen, p) ? local.sending : {}) if contains(local.programs, p) }

  # The same, of what must not be seen: the secret that a variable is read from.
  secret_environments = {
    api = { TIDEWIRE_OPERATORS = local.secrets.operators }
  }
}
