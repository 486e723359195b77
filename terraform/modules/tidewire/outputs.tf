output "gateway_url" {
  description = "Where sockets are opened: replace https with wss, and append /v1/socket."
  value       = module.plan.urls.gateway
  depends_on  = [module.service]
}

output "ingest_url" {
  description = "Where producers post events: append /v1/tenants/TENANT/events."
  value       = module.plan.urls.ingest
  depends_on  = [module.function]
}

output "api_url" {
  description = "The management API."
  value       = module.plan.urls.api
  depends_on  = [module.service]
}

output "dashboard_url" {
  description = "The dashboards."
  value       = module.plan.urls.dashboard
  depends_on  = [module.service]
}

output "edge_address" {
  description = "Address of the load balancer, for the A records of the domains; null without one."
  value       = one(module.edge[*].address)
}

output "operators_secret" {
  description = "Secret with the operators' key: gcloud secrets versions access VERSION --secret=SECRET."
  value       = module.secrets.operators
}

output "documents" {
  description = "Placement and limits that the document of each tenant in var.tenants must have, in addition to its keys."
  value       = module.plan.documents
}

output "topics" {
  description = "Full names of the topics of tenants and shards."
  value       = module.pubsub.topics
}

output "lost" {
  description = "Topic of lost connections, and the subscriptions to it and to its dead letters."
  value       = merge({ topic = module.pubsub.lost_topic }, module.pubsub.subscriptions)
}

output "triggers" {
  description = "Topics whose messages are jobs of the crawler and input of the filter, by short name, each with the subscription of its dead letters."
  value       = { for p, t in module.trigger : p => { topic = t.topic, dead_subscription = t.dead_subscription } }
}

output "revisions" {
  description = "Newest revisions of the services, to roll back from."
  value       = { for p, s in module.service : p => s.revision }
}

output "monitoring_url" {
  description = "The dashboard of the deployment in Cloud Monitoring."
  value       = module.monitoring.dashboard_url
}

output "capacity" {
  description = "What the deployment carries (figures), what that was computed from (inputs), and the limits that it would exceed: terraform output -json | tidewire doctor --outputs -."
  value       = module.plan.capacity
}
