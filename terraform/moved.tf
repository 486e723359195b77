# What was made by this root itself until modules/tidewire was there. The state moves by itself; nothing is made anew.

moved {
  from = module.plan
  to   = module.tidewire.module.plan
}

moved {
  from = module.pubsub
  to   = module.tidewire.module.pubsub
}

moved {
  from = module.firestore
  to   = module.tidewire.module.firestore
}

moved {
  from = module.secrets
  to   = module.tidewire.module.secrets
}

moved {
  from = module.network
  to   = module.tidewire.module.network
}

moved {
  from = module.edge
  to   = module.tidewire.module.edge
}

moved {
  from = module.service
  to   = module.tidewire.module.service
}

moved {
  from = module.function
  to   = module.tidewire.module.function
}

moved {
  from = module.monitoring
  to   = module.tidewire.module.monitoring
}

moved {
  from = google_service_account.this
  to   = module.tidewire.google_service_account.this
}

moved {
  from = google_project_iam_member.project
  to   = module.tidewire.google_project_iam_member.project
}

moved {
  from = google_project_iam_member.database
  to   = module.tidewire.google_project_iam_member.database
}

moved {
  from = google_pubsub_topic_iam_member.this
  to   = module.tidewire.google_pubsub_topic_iam_member.this
}

moved {
  from = google_secret_manager_secret_iam_member.this
  to   = module.tidewire.google_secret_manager_secret_iam_member.this
}

moved {
  from = google_cloud_run_v2_service_iam_member.this
  to   = module.tidewire.google_cloud_run_v2_service_iam_member.this
}

moved {
  from = google_project_service.this
  to   = module.tidewire.google_project_service.this
}

moved {
  from = google_storage_bucket_object.functions
  to   = module.tidewire.google_storage_bucket_object.functions
}

moved {
  from = google_cloud_scheduler_job.janitor
  to   = module.tidewire.google_cloud_scheduler_job.janitor
}
