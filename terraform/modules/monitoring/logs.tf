resource "google_logging_metric" "main" {
  for_each = module.signals.log_metrics

  project     = var.project
  name        = each.key
  description = each.value.description
  filter      = each.value.filter

  value_extractor  = each.value.value
  label_extractors = length(each.value.labels) == 0 ? null : each.value.labels

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = each.value.value_type
    unit         = each.value.unit
    display_name = each.value.description

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  # 1 to some million, each bound 1.4 times the one before: numbers of things as well as milliseconds.
  dynamic "bucket_options" {
    for_each = each.value.value_type == "DISTRIBUTION" ? [""] : []
    content {
      exponential_buckets {
        num_finite_buckets = 44
        growth_factor      = 1.4
        scale              = 1
      }
    }
  }
}

# Cloud Run writes an entry of every request, of a socket as of a call, some 1.2 KB each: at 10,000 sockets tens of dollars a month that nobody
# reads. sample() keeps or drops an entry by its identifier. What failed is kept whole; the program's own lines are another log.
resource "google_logging_project_exclusion" "requests" {
  count = var.request_logs < 1 ? 1 : 0

  project     = var.project
  name        = "${var.name}-requests"
  description = "Requests to ${var.name} that did not fail, except for a share of ${var.request_logs}."
  filter      = "log_id(\"run.googleapis.com/requests\") AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.name}-\" AND httpRequest.status<500 AND sample(insertId, ${1 - var.request_logs})"
}
