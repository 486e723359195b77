output "gateway_url" {
  description = "Where sockets are opened: replace https with wss, and append /v1/socket."
  value       = module.tidewire.gateway_url
}

output "ingest_url" {
  description = "Where producers post events: append /v1/tenants/TENANT/events."
  value       = module.tidewire.ingest_url
}

output "api_url" {
  description = "The management API."
  value       = module.tidewire.api_url
}

output "dashboard_url" {
  description = "The dashboards."
  value       = module.tidewire.dashboard_url
}

output "edge_address" {
  description = "Address of the load balancer, for the A records of the domains; null without one."
  value       = module.tidewire.edge_address
}

output "operators_secret" {
  description = "Secret with the operators' key: gcloud secrets versions access VERSION --secret=SECRET."
  value       = module.tidewire.operators_secret
}

output "documents" {
  description = "Placement and limits that the document of each tenant in var.tenants must have, in addition to its keys."
  value       = module.tidewire.documents
}

output "topics" {
  description = "Full names of the topics of tenants and shards."
  value       = module.tidewire.topics
}

output "lost" {
  description = "Topic of lost connections, and the subscriptions to it and to its dead letters."
  value       = module.tidewire.lost
}

output "triggers" {
  description = "Topics whose messages are jobs of the crawler and input of the filter, by short name, each with the subscription of its dead letters."
  value       = module.tidewire.triggers
}

output "revisions" {
  description = "Newest revisions of the services, to roll back from."
  value       = module.tidewire.revisions
}

output "monitoring_url" {
  description = "The dashboard of the deployment in Cloud Monitoring."
  value       = module.tidewire.monitoring_url
}

output "capacity" {
  description = "What the deployment carries (figures), what that was computed from (inputs), and the limits that it would exceed: terraform output -json | tidewire doctor --outputs -."
  value       = module.tidewire.capacity
}
