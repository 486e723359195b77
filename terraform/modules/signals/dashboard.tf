# The dashboard, a row a question. "@own" follows no tenant: those metrics belong to none.
locals {
  rows = [
    {
      title    = "Sockets"
      subtitle = "Who is connected, comes, goes and is turned away"
      charts = [
        { title = "Sockets by tenant", unit = "1", stacked = true, queries = { "" = "topk(20, sum by (tenant) ({'tidewire.connections',@tenant}))" } },
        { title = "Connects", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.connects',@tenant}[5m]))" } },
        { title = "Disconnects by reason", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.disconnects',@tenant}[5m]))" } },
        { title = "Refusals by reason", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.refusals',@tenant}[5m]))" } },
      ]
    },
    {
      title    = "Events"
      subtitle = "Published, received from Pub/Sub, and queued for readers"
      charts = [
        { title = "Publishes", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.publishes',@tenant}[5m]))" } },
        { title = "Publications received", unit = "1/s", queries = { "" = "topk(20, sum by (tenant) (rate({'tidewire.publications',@tenant}[5m])))" } },
        { title = "Deliveries by tenant", unit = "1/s", stacked = true, queries = { "" = "topk(20, sum by (tenant) (rate({'tidewire.deliveries',@tenant}[5m])))" } },
      ]
    },
    {
      title    = "Latency"
      subtitle = "Delivery is from Pub/Sub's publish time to the readers' queues"
      charts = [
        {
          title = "Delivery", unit = "s", threshold = var.objective.seconds
          queries = {
            p50 = "histogram_quantile(0.5, sum by (le) (rate({'tidewire.delivery.duration_bucket',@tenant}[5m])))"
            p99 = "histogram_quantile(0.99, sum by (le) (rate({'tidewire.delivery.duration_bucket',@tenant}[5m])))"
          }
        },
        {
          title = "Subscribe to answer", unit = "s"
          queries = {
            p50 = "histogram_quantile(0.5, sum by (le) (rate({'tidewire.answer.duration_bucket',@tenant}[5m])))"
            p99 = "histogram_quantile(0.99, sum by (le) (rate({'tidewire.answer.duration_bucket',@tenant}[5m])))"
          }
        },
        {
          title = "Publish to stored", unit = "s"
          queries = {
            p50 = "histogram_quantile(0.5, sum by (le) (rate({'tidewire.publish.duration_bucket',@tenant}[5m])))"
            p99 = "histogram_quantile(0.99, sum by (le) (rate({'tidewire.publish.duration_bucket',@tenant}[5m])))"
          }
        },
        {
          title = "The probe, median", unit = "ms"
          queries = {
            connect   = "histogram_quantile(0.5, sum by (le) (rate({'logging.googleapis.com/user/@name-probe-connect_bucket',@log}[30m])))"
            subscribe = "histogram_quantile(0.5, sum by (le) (rate({'logging.googleapis.com/user/@name-probe-subscribe_bucket',@log}[30m])))"
            delivery  = "histogram_quantile(0.5, sum by (le) (rate({'logging.googleapis.com/user/@name-probe-delivery_bucket',@log}[30m])))"
          }
        },
      ]
    },
    {
      title    = "Resume"
      subtitle = "What those who come back get, and why some get a gap"
      charts = [
        { title = "Answers to subscribe", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.answers',@tenant}[5m]))" } },
        { title = "Gaps by reason", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.gaps',@tenant}[5m]))" } },
        { title = "Holes and fences", unit = "1/s", queries = {
          hole  = "sum by (reason) (rate({'tidewire.holes',@tenant}[5m]))"
          fence = "sum by (reason) (rate({'tidewire.fences',@tenant}[5m]))"
        } },
        { title = "Topics followed", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.follows',@own}[5m]))" } },
        { title = "Evictions from records", unit = "1/s", queries = { "" = "sum by (reason) (rate({'tidewire.evictions',@tenant}[5m]))" } },
      ]
    },
    {
      title    = "Queues"
      subtitle = "What waits for readers, and what was let go"
      charts = [
        { title = "Dropped, conflated, slowed", unit = "1/s", queries = {
          drop      = "sum by (reason) (rate({'tidewire.drops',@tenant}[5m]))"
          conflated = "sum by (reason) (rate({'tidewire.conflated',@tenant}[5m]))"
          tuned     = "sum by (reason) (rate({'tidewire.tuned',@tenant}[5m]))"
        } },
        { title = "Messages queued", unit = "1", queries = { "" = "topk(20, sum by (tenant) ({'tidewire.queue.messages',@tenant}))" } },
        { title = "Bytes queued", unit = "By", queries = { "" = "topk(20, sum by (tenant) ({'tidewire.queue.size',@tenant}))" } },
        { title = "Records by tenant", unit = "By", queries = { "" = "topk(20, sum by (tenant) ({'tidewire.record.size',@tenant}))" } },
      ]
    },
    {
      title    = "Presence and demand"
      subtitle = "Who watches, what instances tell each other for that, and what was lost of it"
      charts = [
        { title = "Connections that watch, channels that are known", unit = "1", queries = {
          watching = "sum({'tidewire.presence.watchers',@gateway})"
          presence = "sum({'tidewire.presence.channels',@gateway})"
          demand   = "sum({'tidewire.demand.channels',@gateway})"
        } },
        { title = "Messages between instances", unit = "1/s", queries = {
          sent = "sum(rate({'tidewire.census.messages',@own}[5m]))"
          lost = "sum(rate({'tidewire.census.losses',@own}[5m]))"
        } },
        { title = "Questions by HTTP, channels told of", unit = "1/s", queries = {
          question = "sum by (reason) (rate({'tidewire.surveys',@own}[5m]))"
          channel  = "sum by (reason) (rate({'tidewire.channel.events',@own}[5m]))"
        } },
      ]
    },
    {
      title    = "Instances"
      subtitle = "Cloud Run's own view of every service and function"
      charts = [
        { title = "Instances", unit = "1", threshold = var.gateway.max_instances, queries = { "" = "sum by (service_name) ({'run.googleapis.com/container/instance_count',@run})" } },
        { title = "CPU and memory, p99", unit = "10^2.%", queries = {
          CPU    = "histogram_quantile(0.99, sum by (service_name, le) (rate({'run.googleapis.com/container/cpu/utilizations_bucket',@run}[5m])))"
          memory = "histogram_quantile(0.99, sum by (service_name, le) (rate({'run.googleapis.com/container/memory/utilizations_bucket',@run}[5m])))"
        } },
        {
          title = "Sockets of a gateway", unit = "1", threshold = var.gateway.concurrency
          queries = {
            fullest = "max(sum by (instance) ({'tidewire.connections',@gateway}))"
            mean    = "avg(sum by (instance) ({'tidewire.connections',@gateway}))"
          }
        },
        { title = "Requests at once, p99", unit = "1", threshold = var.gateway.concurrency, queries = { "" = "histogram_quantile(0.99, sum by (service_name, le) (rate({'run.googleapis.com/container/max_request_concurrencies_bucket',@run}[5m])))" } },
        { title = "Answered 5xx", unit = "1/s", queries = { "" = "sum by (service_name) (rate({'run.googleapis.com/request_count',@run,response_code_class='5xx'}[5m]))" } },
      ]
    },
    {
      title    = "Backends"
      subtitle = "Pub/Sub and Firestore as the program meets them, and the budget of subscriptions"
      charts = [
        { title = "Subscriptions in use", unit = "1", threshold = var.subscriptions_budget, queries = { "" = "max({'tidewire.subscriptions',@own})" } },
        {
          title = "Errors of Pub/Sub and Firestore, panics", unit = "1/s"
          queries = {
            ""     = "sum by (reason) (rate({'tidewire.backend.errors',@own}[5m]))"
            panics = "sum(rate({'tidewire.panics',@own}[5m]))"
          }
        },
        { title = "Pub/Sub: publish requests by code", unit = "1/s", queries = { "" = "sum by (response_code) (rate({'pubsub.googleapis.com/topic/send_request_count',monitored_resource='pubsub_topic'}[5m]))" } },
        { title = "Firestore: requests by code", unit = "1/s", queries = { "" = "sum by (response_code) (rate({'firestore.googleapis.com/api/request_count',monitored_resource='datastore_request'}[5m]))" } },
        { title = "Topics followed by a gateway", unit = "1", queries = { "" = "max(sum by (instance) ({'tidewire.topics',@gateway}))" } },
        {
          title = "Lost connections waiting", unit = "1"
          queries = {
            waiting = "sum({'pubsub.googleapis.com/subscription/num_undelivered_messages',monitored_resource='pubsub_subscription',subscription_id='@name-lost'})"
            dead    = "sum({'pubsub.googleapis.com/subscription/num_undelivered_messages',monitored_resource='pubsub_subscription',subscription_id='@name-lost-dead'})"
          }
        },
      ]
    },
    {
      title    = "Upkeep"
      subtitle = "The janitor, the keeper, the probe and what was logged as an error"
      charts = concat([
        {
          title = "Removed by the janitor, a minute", unit = "1"
          queries = {
            subscriptions = "60 * sum(rate({'logging.googleapis.com/user/@name-janitor-subscriptions_sum',@log}[5m]))"
            leases        = "60 * sum(rate({'logging.googleapis.com/user/@name-janitor-leases_sum',@log}[5m]))"
            connections   = "60 * sum(rate({'logging.googleapis.com/user/@name-janitor-connections_sum',@log}[5m]))"
          }
        },
        {
          title = "Runs, a minute", unit = "1"
          queries = {
            janitor           = "60 * sum(rate({'logging.googleapis.com/user/@name-janitor-runs',@log}[5m]))"
            "janitor, failed" = "60 * sum(rate({'logging.googleapis.com/user/@name-janitor-failures',@log}[5m]))"
            keeper            = "60 * sum(rate({'logging.googleapis.com/user/@name-keeper-runs',@log}[5m]))"
            "keeper, failed"  = "60 * sum(rate({'logging.googleapis.com/user/@name-keeper-failures',@log}[5m]))"
            probe             = "60 * sum(rate({'logging.googleapis.com/user/@name-probe-delivery_count',@log}[5m]))"
            "probe, failed"   = "60 * sum(rate({'logging.googleapis.com/user/@name-probe-failures',@log}[5m]))"
          }
        },
        {
          title = "Checkpoints", unit = "1"
          queries = {
            "changes, a minute" = "60 * sum(rate({'logging.googleapis.com/user/@name-keeper-changes_sum',@log}[5m]))"
            "lag, seconds"      = "sum(rate({'logging.googleapis.com/user/@name-keeper-lag_sum',@log}[5m])) / sum(rate({'logging.googleapis.com/user/@name-keeper-lag_count',@log}[5m]))"
          }
        },
        ], [for chart in [
          {
            title = "Pages crawled, a minute", unit = "1", of = "crawler"
            queries = {
              read    = "60 * sum(rate({'logging.googleapis.com/user/@name-crawler-read_sum',@log}[15m]))"
              failed  = "60 * sum(rate({'logging.googleapis.com/user/@name-crawler-failed_sum',@log}[15m]))"
              refused = "60 * sum(rate({'logging.googleapis.com/user/@name-crawler-refused_sum',@log}[15m]))"
            }
          },
          {
            title = "Oldest message of the filter", unit = "s", of = "filter"
            queries = {
              "" = "max({'pubsub.googleapis.com/subscription/oldest_unacked_message_age',monitored_resource='pubsub_subscription',subscription_id='@name-filter'})"
            }
          },
        ] : chart if contains(var.functions, chart.of)], [
        { title = "Errors logged", unit = "1/s", queries = { "" = "sum by (service_name) (rate({'logging.googleapis.com/user/@name-errors',@log}[5m]))" } },
      ])
    },
  ]

  chart_height  = 14
  header_height = 4

  # How far down a row begins: what stands above it, with three charts side by side.
  row_heights = [for row in local.rows : local.header_height + local.chart_height * ceil(length(row.charts) / 3)]
  row_tops    = [for i, row in local.rows : i == 0 ? 0 : sum(slice(local.row_heights, 0, i))]

  headers = [for i, row in local.rows : {
    x = 0, y = local.row_tops[i], width = 48, height = local.header_height
    widget = {
      title         = row.title
      sectionHeader = { subtitle = row.subtitle, dividerBelow = true }
    }
  }]

  charts = flatten([for i, row in local.rows : [for j, chart in row.charts : {
    x = 16 * (j % 3), y = local.row_tops[i] + local.header_height + local.chart_height * floor(j / 3), width = 16, height = local.chart_height
    widget = {
      title = chart.title
      xyChart = merge({
        dataSets = [for legend, query in chart.queries : merge({
          plotType   = try(chart.stacked, false) ? "STACKED_AREA" : "LINE"
          targetAxis = "Y1"
          timeSeriesQuery = {
            prometheusQuery = local.rendered_charts["${row.title}/${chart.title}/${legend}"]
            unitOverride    = chart.unit
          }
        }, legend == "" ? {} : { legendTemplate = legend })]
        yAxis        = { scale = "LINEAR" }
        chartOptions = { mode = "COLOR" }
      }, { for key, value in { thresholds = try(chart.threshold, null) } : key => [{ value = value, targetAxis = "Y1" }] if value != null })
    }
  }]])

  extras = [for j, widget in var.extra_widgets : {
    x      = 16 * (j % 3)
    y      = sum(local.row_heights) + local.chart_height * floor(j / 3)
    width  = 16
    height = local.chart_height
    widget = widget
  }]

  chart_queries = merge(flatten([for row in local.rows : [for chart in row.charts : {
    for legend, query in chart.queries : "${row.title}/${chart.title}/${legend}" => query
  }]])...)

  # The longest selectors first: one may begin with another.
  rendered_charts = {
    for key, query in local.chart_queries : key => replace(replace(replace(replace(replace(replace(replace(replace(query,
      "@tenant", "${local.selectors["@own"]},${local.tenant}"),
      "@own", local.selectors["@own"]),
      "@gateway", local.selectors["@gateway"]),
      "@run-gateway", local.selectors["@run-gateway"]),
      "@run", local.selectors["@run"]),
      "@log", local.selectors["@log"]),
      "@name", local.selectors["@name"]),
    "'", "\"")
  }

  # Cloud Monitoring leaves what is 0 or empty out of its answers, so it is not there to begin with: it
  # would be a difference in every plan.
  tiles = [for tile in concat(local.headers, local.charts, local.extras) : merge(
    { width = tile.width, height = tile.height, widget = tile.widget },
    { for key, value in { xPos = tile.x, yPos = tile.y } : key => value if value > 0 },
  )]

  dashboard = {
    displayName = "${var.name}: overview"
    dashboardFilters = [{
      filterType       = "METRIC_LABEL"
      labelKey         = "tenant"
      templateVariable = "tenant"
      valueType        = "STRING"
    }]
    mosaicLayout = {
      columns = 48
      tiles   = local.tiles
    }
  }
}
