# What only a person knows.

variable "project" {
  description = "Identifier of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of all resources, such as europe-west1."
  type        = string
  nullable    = false
}

variable "images" {
  description = "Images of gateway, api and dashboard, by digest."
  type        = object({ gateway = string, api = string, dashboard = string })
  nullable    = false

  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+@sha256:[0-9a-f]{64}$", image))])
    error_message = "images: must be given by digest: REGION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE@sha256: and 64 hexadecimal digits."
  }
}

# What has a default.

variable "name" {
  description = "Prefix of the names of created resources, except for the topics of tenants; the same as in the bootstrap."
  type        = string
  default     = "tidewire"
  nullable    = false
}

variable "functions_archive" {
  description = "Source archive of the functions, which make functions writes and Terraform uploads, unless functions says where it already is."
  type        = string
  default     = "../bin/functions.zip"
  nullable    = false
}

variable "functions" {
  description = "Bucket and object of the functions' source archive, named by its content, if something else has uploaded it, such as cloudbuild.yaml; null for none."
  type        = object({ bucket = string, object = string })
  default     = null

  validation {
    condition     = var.functions == null ? true : can(regex("[0-9a-f]{16,64}\\.zip$", var.functions.object))
    error_message = "functions: the name of the object must end with a hash of its content and .zip, so that another source is another object."
  }
}

variable "tenants" {
  description = "Tenants whose topics Terraform creates, by identifier. The api creates all others at run time; they need no plan."
  type = map(object({
    placement         = optional(string, "own")
    retention_seconds = optional(number, 600)
    limits            = optional(map(number), {})
  }))
  default  = {}
  nullable = false
}

variable "retention_seconds" {
  description = "How long every topic keeps messages at least, 600 to 2678400 (31 days). Tenants' rules of history may reach as far back. Pub/Sub charges for what it stores."
  type        = number
  default     = 600
  nullable    = false
}

variable "shards" {
  description = "Number of topics that pooled tenants share. It must never change, because it determines which tenant is on which topic. 0 for no pooled tenants."
  type        = number
  default     = 0
  nullable    = false
}

variable "subscriptions" {
  description = "Number of subscriptions in the project from which on gateways follow no further topic. Pub/Sub's limit is 10,000."
  type        = number
  default     = 9000
  nullable    = false
}

variable "database" {
  description = "Identifier of the Firestore database."
  type        = string
  default     = "tidewire"
  nullable    = false
}

variable "firestore_location" {
  description = "Location of the database, which cannot be changed later; null for the region."
  type        = string
  default     = null
}

variable "point_in_time_recovery" {
  description = "Whether every version that the database had in the last week can be read again."
  type        = bool
  default     = false
  nullable    = false
}

variable "backup_days" {
  description = "How many days a daily backup of the database is kept; 0 for no backups."
  type        = number
  default     = 7
  nullable    = false
}

variable "sizes" {
  description = "Size of an instance, and minimum and maximum number of instances, of each service and function. cpu_idle: whether a service has CPU, and is billed, only while it has a request. The defaults fit a new project's quota, also during a release, without crawler and filter."
  type = object({
    gateway   = optional(object({ cpu = optional(string, "1"), memory = optional(string, "1Gi"), min = optional(number, 0), max = optional(number, 4), cpu_idle = optional(bool, true) }), {})
    api       = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 3), cpu_idle = optional(bool, true) }), {})
    dashboard = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1), cpu_idle = optional(bool, true) }), {})
    ingest    = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 4) }), {})
    janitor   = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 2) }), {})
    keeper    = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1) }), {})
    probe     = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1) }), {})
    crawler   = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 1) }), {})
    filter    = optional(object({ cpu = optional(string, "1"), memory = optional(string, "512Mi"), min = optional(number, 0), max = optional(number, 2) }), {})
  })
  default  = {}
  nullable = false
}

variable "expected" {
  description = "What the deployment must carry, which plans compare with its limits: sockets open at once, and tenants with their own topic, including those that the api creates. 0 for no comparison."
  type        = object({ sockets = optional(number, 0), tenants = optional(number, 0) })
  default     = {}
  nullable    = false
}

variable "quota" {
  description = "Quotas of the project that a deployment reaches first: vCPU and GiB of all Cloud Run instances in the region, and Pub/Sub's subscriptions. The defaults are those of a new project."
  type        = object({ cpu = optional(number, 20), memory_gib = optional(number, 40), subscriptions = optional(number, 10000) })
  default     = {}
  nullable    = false
}

variable "operators_version" {
  description = "Number of the operators' key; the next number creates a new key and ends the previous one."
  type        = number
  default     = 1
  nullable    = false
}

variable "demo" {
  description = "Whether everybody who can reach the dashboard may be any desk of the demo's tenants, acme and globex."
  type        = bool
  default     = false
  nullable    = false
}

variable "probe_tenant" {
  description = "Tenant of which the probe is a client, every minute; null for no probe."
  type        = string
  default     = null
}

variable "probe" {
  description = "How the probe runs. seconds: maximum time of a run (45 to 50: a healthy gateway may delay the answer to a subscribe by 40). held: sockets of earlier runs that stay open so that its topic stays followed. period_seconds: time between the calls of each of the three places. failing_seconds: how long two places must fail before the alert fires."
  type = object({
    seconds         = optional(number, 50)
    held            = optional(number, 6)
    period_seconds  = optional(number, 60)
    failing_seconds = optional(number, 180)
  })
  default  = {}
  nullable = false
}

variable "crawler" {
  description = "Crawler of web sites, which messages of a topic give jobs; null for none. hosts: those that jobs may name; *.example.com is every host below example.com. delay_seconds: pause between two requests to a host. job_seconds: maximum time of a job. publishers: who may publish jobs, as IAM names members."
  type = object({
    hosts         = list(string)
    delay_seconds = optional(number, 1)
    job_seconds   = optional(number, 480)
    publishers    = optional(list(string), [])
  })
  default = null
}

variable "filter" {
  description = "Filter that turns the messages of a topic into channels; null for none. rules: in JSON (docs/functions.md). topic: full name of an existing topic, projects/P/topics/T; null to create one. publishers: who may publish to a topic that is created, as IAM names members."
  type = object({
    rules      = string
    topic      = optional(string)
    publishers = optional(list(string), [])
  })
  default = null
}

variable "hook_url" {
  description = "HTTPS address that receives connections whose instance crashed; null for none."
  type        = string
  default     = null
}

variable "domains" {
  description = "Domains of gateway, api, dashboard and ingest, to put a load balancer in front of them; none by default."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "requests_per_minute" {
  description = "Requests that one address may make per minute at the load balancer."
  type        = number
  default     = 6000
  nullable    = false
}

variable "objective" {
  description = "The objective of delivery: a share of publications (goal) is in the queues of its readers within this time (seconds), over this period (days)."
  type = object({
    goal    = optional(number, 0.99)
    seconds = optional(number, 1)
    days    = optional(number, 28)
  })
  default  = {}
  nullable = false
}

variable "slo" {
  description = "Whether to create the objective in Cloud Monitoring, which refuses it until it has received the duration of a first delivery: false in the first apply of a project, true later."
  type        = bool
  default     = false
  nullable    = false
}

variable "runbooks_url" {
  description = "URL of docs/operations.md, to which alerts link; null for the project's own."
  type        = string
  default     = null
}

variable "log_level" {
  description = "Lowest level that is logged: debug, info, warn or error."
  type        = string
  default     = "info"
  nullable    = false
}

variable "telemetry" {
  description = "Whether services and functions send metrics and traces to Google Cloud."
  type        = bool
  default     = true
  nullable    = false
}

variable "metrics_tenants" {
  description = "How many tenants a process shows by name in its metrics, the first that appear; all others are counted together. Each makes about 40 series in each gateway that holds it, which is most of the cost of metrics."
  type        = number
  default     = 20
  nullable    = false
}

variable "request_logs" {
  description = "Share, 0 to 1, of Cloud Run's request log entries that are kept. Every socket and every call makes one entry, and entries are billed by size. Entries of 5xx answers are always kept."
  type        = number
  default     = 0.01
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete services, secret and database. To remove a deployment, apply once with false."
  type        = bool
  default     = true
  nullable    = false
}
