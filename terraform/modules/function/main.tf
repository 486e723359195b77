resource "google_cloudfunctions2_function" "this" {
  project  = var.project
  location = var.region
  name     = var.name
  labels   = var.labels

  kms_key_name = var.kms_key

  build_config {
    runtime           = var.runtime
    entry_point       = var.entry_point
    service_account   = var.builder
    docker_repository = var.repository

    # Without symbols the binary is a third smaller, and without what other functions use smaller again, which each cold start is spared.
    environment_variables = merge({ GOOGLE_GOLDFLAGS = "-s -w" }, var.tags == "" ? {} : { GOFLAGS = "-tags=${var.tags}" })

    # The object's name holds a hash of its content, so another source is another object, and the function is built anew.
    source {
      storage_source {
        bucket = var.source_object.bucket
        object = var.source_object.object
      }
    }
  }

  service_config {
    service_account_email            = var.service_account
    environment_variables            = var.environment
    available_cpu                    = var.cpu
    available_memory                 = var.memory
    timeout_seconds                  = var.timeout_seconds
    max_instance_request_concurrency = var.concurrency
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances
    ingress_settings                 = var.ingress
    all_traffic_on_latest_revision   = true
  }
}

# A function is a Cloud Run service of its name, and who may call it is said there.
resource "google_cloud_run_v2_service_iam_member" "public" {
  count = var.public ? 1 : 0

  project  = google_cloudfunctions2_function.this.project
  location = google_cloudfunctions2_function.this.location
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}
