# The gateway answers on / that it serves nothing there, which only it can say: Cloud Run keeps paths
# that end in z to itself, and every other path of a gateway is a client's.
resource "google_monitoring_uptime_check_config" "gateway" {
  project            = var.project
  display_name       = "${var.name}: the gateway answers"
  period             = "${var.check_period_seconds}s"
  timeout            = "10s"
  selected_regions   = var.check_regions
  log_check_failures = true
  user_labels        = var.labels

  http_check {
    path         = "/"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    accepted_response_status_codes {
      status_value = 404
    }
  }

  content_matchers {
    content = "no such path"
    matcher = "CONTAINS_STRING"
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = var.gateway_host
    }
  }
}

# Asks the probe, which opens a socket, publishes through ingest and waits for the delivery.
resource "google_monitoring_uptime_check_config" "probe" {
  for_each = { for probe in [var.probe] : "main" => probe if probe != null }

  project            = var.project
  display_name       = "${var.name}: an event reaches a socket"
  period             = "${var.check_period_seconds}s"
  timeout            = "${min(60, each.value.seconds + 10)}s"
  selected_regions   = var.check_regions
  log_check_failures = true
  user_labels        = var.labels

  http_check {
    request_method = "GET"
    path           = "/"
    port           = 443
    use_ssl        = true
    validate_ssl   = true

    accepted_response_status_codes {
      status_value = 200
    }

    # Cloud Run's IAM lets nobody else in but whom it is granted to.
    service_agent_authentication {
      type = "OIDC_TOKEN"
    }
  }

  content_matchers {
    content = "\"delivery\""
    matcher = "CONTAINS_STRING"
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = each.value.host
    }
  }
}

# After the check: Cloud Monitoring makes its service agent when it first needs it.
resource "google_cloud_run_v2_service_iam_member" "probe" {
  for_each = google_monitoring_uptime_check_config.probe

  project  = var.project
  location = var.region
  name     = var.probe.service
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${var.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
}
