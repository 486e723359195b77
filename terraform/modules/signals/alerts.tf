# Every alert, by its name, which is the heading of its runbook in docs/operations.md as well. Each of its conditions
# opens an incident by itself, unless combine says AND.
#
# What is counted seldom is looked for twice: increase sees nothing of a series that begins, so
# "unless offset" takes what was not there before. What may vanish is compared "or vector(0)".
locals {
  plain_alerts = {
    sockets-fell = {
      severity = "CRITICAL"
      summary  = "More than half of the sockets closed within ten minutes."
      conditions = {
        "half of the sockets gone" = { promql = <<-EOT
          sum({'tidewire.connections',@gateway} offset 10m) > 50
          and (sum({'tidewire.connections',@gateway}) or vector(0)) < 0.5 * sum({'tidewire.connections',@gateway} offset 10m)
        EOT
        }
      }
    }
    gaps = {
      severity = "ERROR"
      summary  = "More than one in twenty resuming clients are told gap: they may have missed something, and reload their state."
      conditions = {
        "gaps of a tenant" = { duration = 300, promql = <<-EOT
          sum by (tenant) (rate({'tidewire.answers',@own,reason='gap'}[15m]))
          / sum by (tenant) (rate({'tidewire.answers',@own,reason=~'gap|resumed'}[15m])) > 0.05
          and sum by (tenant) (increase({'tidewire.answers',@own,reason='gap'}[15m])) > 20
        EOT
        }
      }
    }
    holes = {
      severity = "ERROR"
      summary  = "A publisher's number was skipped: Pub/Sub has lost something or delivered it late. This is 0 on a broker that keeps its promise."
      conditions = {
        "a hole" = { promql = <<-EOT
          sum by (tenant) (increase({'tidewire.holes',@own}[10m])) > 0
          or sum by (tenant) ({'tidewire.holes',@own} unless {'tidewire.holes',@own} offset 10m) > 0
        EOT
        }
      }
    }
    drops-too-slow = {
      severity = "WARNING"
      summary  = "More than one in fifty of a tenant's sockets are closed because they do not read fast enough."
      conditions = {
        "sockets closed" = { duration = 300, promql = <<-EOT
          sum by (tenant) (increase({'tidewire.drops',@own,reason='too-slow'}[10m])) > 10
          and sum by (tenant) (increase({'tidewire.drops',@own,reason='too-slow'}[10m]))
          > 0.02 * sum by (tenant) ({'tidewire.connections',@own})
        EOT
        }
      }
    }
    publishes-failed = {
      severity = "CRITICAL"
      summary  = "Pub/Sub could not store more than one in a hundred events; their producers were told so."
      conditions = {
        "publishes failing" = { duration = 120, promql = <<-EOT
          sum(rate({'tidewire.publishes',@own,reason='failed'}[5m])) / sum(rate({'tidewire.publishes',@own}[5m])) > 0.01
          and sum(increase({'tidewire.publishes',@own,reason='failed'}[5m])) > 5
        EOT
        }
      }
    }
    ingest-errors = {
      severity = "CRITICAL"
      summary  = "More than one in fifty requests to ingest are answered with 5xx."
      conditions = {
        "answered 5xx" = { duration = 120, promql = <<-EOT
          sum(rate({'run.googleapis.com/request_count',monitored_resource='cloud_run_revision',service_name='@name-ingest',response_code_class='5xx'}[5m]))
          / sum(rate({'run.googleapis.com/request_count',monitored_resource='cloud_run_revision',service_name='@name-ingest'}[5m])) > 0.02
          and sum(increase({'run.googleapis.com/request_count',monitored_resource='cloud_run_revision',service_name='@name-ingest',response_code_class='5xx'}[5m])) > 5
        EOT
        }
      }
    }
    api-errors = {
      severity = "ERROR"
      summary  = "More than one in fifty requests to the api or the dashboard are answered with 5xx."
      conditions = {
        "answered 5xx" = { duration = 300, promql = <<-EOT
          sum by (service_name) (rate({'run.googleapis.com/request_count',monitored_resource='cloud_run_revision',service_name=~'@name-(api|dashboard)',response_code_class='5xx'}[10m]))
          / sum by (service_name) (rate({'run.googleapis.com/request_count',monitored_resource='cloud_run_revision',service_name=~'@name-(api|dashboard)'}[10m])) > 0.02
          and sum by (service_name) (increase({'run.googleapis.com/request_count',monitored_resource='cloud_run_revision',service_name=~'@name-(api|dashboard)',response_code_class='5xx'}[10m])) > 5
        EOT
        }
      }
    }
    backend-errors = {
      severity = "ERROR"
      summary  = "Pub/Sub or Firestore refuse calls or do not answer them."
      conditions = {
        "calls failing" = { duration = 300, promql = <<-EOT
          sum by (reason) (rate({'tidewire.backend.errors',@own,reason=~'.+ (unavailable|deadline_exceeded|resource_exhausted|internal|data_loss)'}[5m])) > 0.1
        EOT
        }
        # A grant or a key is missing: no single call should fail so, and waiting mends nothing.
        "calls refused" = { promql = <<-EOT
          sum by (reason) (increase({'tidewire.backend.errors',@own,reason=~'.+ (permission_denied|unauthenticated)'}[10m])) > 0
          or sum by (reason) ({'tidewire.backend.errors',@own,reason=~'.+ (permission_denied|unauthenticated)'} unless {'tidewire.backend.errors',@own} offset 10m) > 0
        EOT
        }
      }
    }
    documents-malformed = {
      severity = "WARNING"
      summary  = "Firestore contains a document that Tidewire did not write: somebody has changed it by hand."
      conditions = {
        "counted" = { promql = <<-EOT
          sum by (reason) (increase({'tidewire.backend.errors',@own,reason=~'firestore malformed (tenant|logout|connection|lease)'}[10m])) > 0
          or sum by (reason) ({'tidewire.backend.errors',@own,reason=~'firestore malformed (tenant|logout|connection|lease)'} unless {'tidewire.backend.errors',@own} offset 10m) > 0
        EOT
        }
      }
    }
    panics = {
      severity = "ERROR"
      summary  = "A part of the program panics: each time, one connection, channel, hook or request ends."
      conditions = {
        "contained" = { promql = <<-EOT
          sum by (reason) (increase({'tidewire.panics',@own}[10m])) > 0
          or sum by (reason) ({'tidewire.panics',@own} unless {'tidewire.panics',@own} offset 10m) > 0
        EOT
        }
      }
    }
    streams-broken = {
      severity = "ERROR"
      summary  = "Topics cannot be followed, or their streams stall: readers wait and are told unavailable."
      conditions = {
        "following fails" = { duration = 300, promql = <<-EOT
          sum(rate({'tidewire.follows',@own,reason='failed'}[5m])) > 0.05
        EOT
        }
        "fences do not return" = { duration = 300, promql = <<-EOT
          sum(rate({'tidewire.fences',@own,reason='overdue'}[10m])) / sum(rate({'tidewire.fences',@own,reason='sent'}[10m])) > 0.1
        EOT
        }
      }
    }
    refusals = {
      severity = "WARNING"
      summary  = "More than one client or producer of a tenant is refused per second."
      conditions = {
        "refusing" = { duration = 600, promql = <<-EOT
          sum by (tenant, reason) (rate({'tidewire.refusals',@own}[10m])) > 1
        EOT
        }
      }
    }
    subscriptions-budget = {
      severity = "ERROR"
      summary  = "More than 80 % of the budget of subscriptions is in use; at 100 % no further topic is followed."
      conditions = {
        "budget above 80 %" = { duration = 300, promql = <<-EOT
          max({'tidewire.subscriptions',@own}) > ${0.8 * var.subscriptions_budget}
        EOT
        }
      }
    }
    gateway-concurrency = {
      severity = "ERROR"
      summary  = "A gateway holds more than 90 % of the sockets that Cloud Run allows."
      conditions = {
        "sockets" = { duration = 300, promql = <<-EOT
          max(sum by (instance) ({'tidewire.connections',@gateway})) > ${0.9 * var.gateway.concurrency}
        EOT
        }
        "requests at once" = { duration = 300, promql = <<-EOT
          histogram_quantile(0.99, sum by (le) (rate({'run.googleapis.com/container/max_request_concurrencies_bucket',@run-gateway}[5m]))) > ${0.9 * var.gateway.concurrency}
        EOT
        }
      }
    }
    gateway-instances = {
      severity = "ERROR"
      summary  = "Almost the maximum number of gateways is running: soon nobody else can connect."
      conditions = {
        "instances near the most" = { duration = 600, promql = <<-EOT
          sum({'run.googleapis.com/container/instance_count',@run-gateway}) > ${max(1, 0.9 * var.gateway.max_instances - 0.5)}
        EOT
        }
      }
    }
    gateway-saturated = {
      severity = "ERROR"
      summary  = "A gateway's CPU or memory is almost used up. An instance that runs out of memory is killed with all its sockets."
      conditions = {
        "CPU above 85 %" = { duration = 900, promql = <<-EOT
          histogram_quantile(0.99, sum by (le) (rate({'run.googleapis.com/container/cpu/utilizations_bucket',@run-gateway}[5m]))) > 0.85
        EOT
        }
        "memory above 85 %" = { duration = 300, promql = <<-EOT
          histogram_quantile(0.99, sum by (le) (rate({'run.googleapis.com/container/memory/utilizations_bucket',@run-gateway}[5m]))) > 0.85
        EOT
        }
      }
    }
    telemetry-missing = {
      severity = "WARNING"
      summary  = "Gateways run but send no metrics: most alerts and charts are blind."
      conditions = {
        "no metrics of gateways" = { duration = 900, promql = <<-EOT
          sum({'run.googleapis.com/container/instance_count',@run-gateway,state='active'}) > 0
          unless on () (count({'tidewire.connections',@gateway}) > 0)
        EOT
        }
      }
    }
    janitor = {
      severity = "ERROR"
      summary  = "The janitor fails, or does not run: leftovers of dead instances accumulate and use the budget of subscriptions."
      conditions = {
        "failing" = { promql = <<-EOT
          sum(increase({'logging.googleapis.com/user/@name-janitor-failures',@log}[15m])) >= 3
        EOT
        }
        "leaving things behind" = { duration = 1800, promql = <<-EOT
          sum(increase({'logging.googleapis.com/user/@name-janitor-errors_sum',@log}[10m])) > 0
        EOT
        }
        # Scheduled every minute.
        "not running" = { duration = 600, promql = <<-EOT
          (sum(increase({'logging.googleapis.com/user/@name-janitor-runs',@log}[15m])) or vector(0)) < 1
        EOT
        }
      }
    }
    keeper = {
      severity = "ERROR"
      summary  = "The checkpoints of keyed state fall behind, or nobody writes them: gateways that have to read one refuse state, and after a week without a round what was not stored is lost."
      conditions = {
        "failing" = { promql = <<-EOT
          sum(increase({'logging.googleapis.com/user/@name-keeper-failures',@log}[15m])) >= 3
        EOT
        }
        "leaving topics behind" = { duration = 300, promql = <<-EOT
          sum(increase({'logging.googleapis.com/user/@name-keeper-errors_sum',@log}[10m])) > 0
        EOT
        }
        # A gateway needs one that is younger than what it replays, five minutes.
        "behind" = { duration = 120, promql = <<-EOT
          sum(increase({'logging.googleapis.com/user/@name-keeper-lag_sum',@log}[5m])) / sum(increase({'logging.googleapis.com/user/@name-keeper-lag_count',@log}[5m])) > 180
        EOT
        }
        # Scheduled every minute.
        "not running" = { duration = 120, promql = <<-EOT
          (sum(increase({'logging.googleapis.com/user/@name-keeper-runs',@log}[5m])) or vector(0)) < 1
        EOT
        }
      }
    }
    lost-connections = {
      severity = "WARNING"
      summary  = "Events of lost connections could not be delivered and are in the dead-letter topic."
      conditions = {
        "dead letters" = { duration = 300, promql = <<-EOT
          sum({'pubsub.googleapis.com/subscription/num_undelivered_messages',monitored_resource='pubsub_subscription',subscription_id='@name-lost-dead'}) > 0
        EOT
        }
      }
    }
    channels-untold = {
      severity = "ERROR"
      summary  = "It is told late, or not at all, that channels are occupied and vacated."
      conditions = {
        # A gateway tries again, for as long as it lives; each attempt counts.
        "failing" = { duration = 300, promql = <<-EOT
          sum(rate({'tidewire.channel.events',@own,reason='failed'}[5m])) > 0.1
        EOT
        }
        # What an instance has left untold, the janitor tells in its next run, half a minute later at the earliest.
        "late" = { duration = 300, promql = <<-EOT
          sum(increase({'logging.googleapis.com/user/@name-janitor-lag_sum',@log}[5m])) / sum(increase({'logging.googleapis.com/user/@name-janitor-lag_count',@log}[5m])) > 120
        EOT
        }
      }
    }
    errors-logged = {
      severity = "WARNING"
      summary  = "A service or function logs errors repeatedly."
      conditions = {
        "errors" = { promql = <<-EOT
          sum by (service_name) (increase({'logging.googleapis.com/user/@name-errors',@log}[15m])) > 30
        EOT
        }
      }
    }
  }

  # Of functions that Pub/Sub calls, where there are some.
  trigger_alerts = { for key, alert in {
    dead-letters = {
      severity = "WARNING"
      summary  = "Jobs of the crawler or messages of the filter failed at every attempt and are in their dead-letter topics."
      conditions = {
        "dead letters" = { duration = 300, promql = <<-EOT
          sum by (subscription_id) ({'pubsub.googleapis.com/subscription/num_undelivered_messages',monitored_resource='pubsub_subscription',subscription_id=~'@name-(crawler|filter)-dead'}) > 0
        EOT
        }
      }
      of = ["crawler", "filter"]
    }
    filter-behind = {
      severity = "ERROR"
      summary  = "Messages wait for the filter for more than five minutes: its channels show what has been."
      conditions = {
        "behind" = { duration = 300, promql = <<-EOT
          max({'pubsub.googleapis.com/subscription/oldest_unacked_message_age',monitored_resource='pubsub_subscription',subscription_id='@name-filter'}) > 300
        EOT
        }
      }
      of = ["filter"]
    }
  } : key => { for name, value in alert : name => value if name != "of" } if length(setintersection(alert.of, var.functions)) > 0 }

  uptime_alerts = {
    gateway-down = {
      check    = "gateway"
      severity = "CRITICAL"
      summary  = "The gateway does not answer from outside."
      seconds  = 60
      missing  = {}
    }
    probe = {
      check    = "probe"
      severity = "CRITICAL"
      summary  = "No event gets from ingest to a socket: the probe fails, or does not run."
      seconds  = var.probe_failing_seconds
      missing = {
        # Asked by every checker every minute, unless the check was given a longer period.
        "not running" = { duration = 1200, promql = <<-EOT
          ((sum(increase({'logging.googleapis.com/user/@name-probe-delivery_count',@log}[20m])) or vector(0))
          + (sum(increase({'logging.googleapis.com/user/@name-probe-failures',@log}[20m])) or vector(0))) < 1
        EOT
        }
      }
    }
  }

  burn_alerts = {
    delivery-latency-fast = {
      severity   = "CRITICAL"
      summary    = "Deliveries are so slow that two days like this use up the objective's budget."
      combine    = var.slo ? "AND" : "OR"
      conditions = local.burn_conditions["fast"]
    }
    delivery-latency-slow = {
      severity   = "WARNING"
      summary    = "Deliveries are so slow that five days like this use up the objective's budget."
      combine    = var.slo ? "AND" : "OR"
      conditions = local.burn_conditions["slow"]
    }
  }

  # Two places on earth have to agree that it does not answer.
  checked_alerts = { for key, alert in local.uptime_alerts : key => {
    severity = alert.severity
    summary  = alert.summary
    combine  = "OR"
    conditions = merge(alert.missing, {
      "failing" = { duration = alert.seconds, threshold = {
        filter = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.labels.check_id=\"${var.uptime_check_ids[alert.check]}\""
        value  = 1
        aggregation = {
          seconds = 1200
          aligner = "ALIGN_NEXT_OLDER"
          reducer = "REDUCE_COUNT_FALSE"
          groups  = ["resource.label.*"]
        }
      } }
    })
  } if contains(keys(var.uptime_check_ids), alert.check) }
}
