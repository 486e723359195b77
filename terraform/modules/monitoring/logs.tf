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
