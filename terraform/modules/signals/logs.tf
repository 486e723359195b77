# Metrics made of log lines: of functions, which live too short to be asked, and of errors anywhere.
# Names of fields are those that the program writes (docs/functions.md).
locals {
  function_lines = { for function in ["janitor", "keeper", "probe", "crawler"] : function => "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}-${function}\"" }

  counted = {
    "${var.name}-janitor-runs" = {
      description = "Runs of the janitor that came to their end."
      filter      = "${local.function_lines["janitor"]} AND jsonPayload.message=\"the janitor ran\""
      labels      = {}
    }
    "${var.name}-janitor-failures" = {
      description = "Runs of the janitor that removed nothing, because it could not tell who is dead."
      filter      = "${local.function_lines["janitor"]} AND jsonPayload.message=\"the janitor could not tell who is dead\""
      labels      = {}
    }
    "${var.name}-keeper-runs" = {
      description = "Rounds of the keeper that came to their end."
      filter      = "${local.function_lines["keeper"]} AND jsonPayload.message=\"the keeper ran\""
      labels      = {}
    }
    "${var.name}-keeper-failures" = {
      description = "Rounds of the keeper that kept nothing, because it could not tell what to keep."
      filter      = "${local.function_lines["keeper"]} AND jsonPayload.message=\"the keeper could not tell what to keep\""
      labels      = {}
    }
    "${var.name}-probe-failures" = {
      description = "Runs of the probe that failed, by stage."
      filter      = "${local.function_lines["probe"]} AND jsonPayload.message=\"the probe failed\""
      labels      = { stage = "EXTRACT(jsonPayload.stage)" }
    }
    "${var.name}-errors" = {
      description = "Log lines of services and functions of severity ERROR or above."
      filter      = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.name}-\" AND severity>=ERROR"
      labels      = {}
    }
  }

  # What a run of the janitor and a round of the keeper did, and how long the probe took.
  measured = merge(
    { for what in ["subscriptions", "leases", "connections"] : "${var.name}-janitor-${what}" => {
      description = "Removed by a run of the janitor: ${what}."
      filter      = "${local.function_lines["janitor"]} AND jsonPayload.message=\"the janitor ran\""
      value       = "EXTRACT(jsonPayload.${what}.deleted)"
      unit        = "1"
    } },
    {
      "${var.name}-janitor-errors" = {
        description = "What a run of the janitor could not remove and has left to the next."
        filter      = "${local.function_lines["janitor"]} AND jsonPayload.message=\"the janitor ran\""
        value       = "EXTRACT(jsonPayload.errors)"
        unit        = "1"
      }
      "${var.name}-janitor-lag" = {
        description = "How old the oldest event of a channel was that a run of the janitor has told for somebody else."
        filter      = "${local.function_lines["janitor"]} AND jsonPayload.message=\"the janitor ran\""
        value       = "EXTRACT(jsonPayload.channels.lag)"
        unit        = "s"
      }
    },
    { for what, unit in { changes = "1", errors = "1", lag = "s" } : "${var.name}-keeper-${what}" => {
      description                 = { changes = "Keys and channels that a round of the keeper has written.", errors = "Topics that a round of the keeper could not keep and has left to the next.", lag = "How old the oldest watermark was that a round of the keeper has not moved." }[what]
      filter                      = "${local.function_lines["keeper"]} AND jsonPayload.message=\"the keeper ran\""
      value                       = "EXTRACT(jsonPayload.${what})"
      unit                        = unit
    } },
    { for what in ["read", "failed", "refused"] : "${var.name}-crawler-${what}" => {
      description = "Pages of a job of the crawler: ${what}."
      filter      = "${local.function_lines["crawler"]} AND jsonPayload.message=\"a crawl has ended\""
      value       = "EXTRACT(jsonPayload.${what})"
      unit        = "1"
    } if contains(var.functions, "crawler") },
    { for stage in ["connect", "subscribe", "delivery"] : "${var.name}-probe-${stage}" => {
      description = "How long the probe took to ${stage == "delivery" ? "get its event delivered" : stage}."
      filter      = "${local.function_lines["probe"]} AND jsonPayload.message=\"the probe ran\""
      value       = "EXTRACT(jsonPayload.${stage})"
      unit        = "ms"
    } },
  )

  log_metrics = merge(
    { for key, metric in local.counted : key => merge(metric, { value_type = "INT64", unit = "1", value = null }) },
    { for key, metric in local.measured : key => merge(metric, { value_type = "DISTRIBUTION", labels = {} }) },
  )
}
