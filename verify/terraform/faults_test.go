package terraform

import "strings"

// fault is one thing that is made wrong in a copy of the tree, and who finds it.
type fault struct {
	name string
	file string
	// old is replaced by seeded, once; without old, seeded is put at the end of the file.
	old, seeded string
	by          finder
	says        string // part of what it says
}

// faults are one or more for each rule of ours, and for what Terraform finds only because of what the stub knows of the provider. What
// Terraform finds by itself, such as a name that stands for nothing, is tried once.
var faults = []fault{
	{"unformatted", "modules/tidewire/main.tf", "", "locals {\n      crooked   =    1\n}\noutput \"crooked\" {\n  description = \"A number.\"\n  value = local.crooked\n}\n", fmts, "crooked"},
	{"unknown argument", "modules/tidewire/main.tf", "", topic(`naem = "x"`), refused, `"naem"`},
	{"unknown resource type", "modules/tidewire/main.tf", "", "resource \"google_pubsub_topics\" \"seeded\" {\n  name = \"x\"\n}\n", refused, "google_pubsub_topics"},
	{"block in the wrong place", "modules/tidewire/main.tf", "", topic("retry_policy {}"), refused, "retry_policy"},
	{"bad enum", "modules/service/main.tf", "INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_EVERYBODY", refused, "INGRESS_TRAFFIC_EVERYBODY"},
	{"computed attribute set", "modules/tidewire/main.tf", "", topic(`effective_labels = {}`), refused, "only read"},
	{"reference to no resource", "modules/tidewire/main.tf", "", topic(`kms_key_name = google_kms_crypto_key.gone.id`), refused, "google_kms_crypto_key.gone"},
	{"missing required argument", "modules/tidewire/main.tf", "", "resource \"google_pubsub_topic\" \"seeded\" {}\n", refused, `"name"`},
	{"unused variable", "modules/tidewire/variables.tf", "", input("seeded", "type = string"), source(RuleUnused), "seeded"},
	{"untyped and undocumented variable", "modules/tidewire/variables.tf", "", "variable \"seeded\" {}\n", source(RuleDescribed), "no type"},
	{"provider without version", "versions.tf", "      version = \"~> 6.50\"\n", "", source(RuleProvider), "without version"},
	{"tenant retention rule loosened", "modules/plan/variables.tf", "t.retention_seconds >= 600", "t.retention_seconds >= 60", tests, ""},
	{"bucket without public access prevention", "modules/tidewire/functions.tf", "", "resource \"google_storage_bucket\" \"seeded\" {\n  name     = \"x\"\n  location = var.region\n\n  uniform_bucket_level_access = true\n}\n", policy(RuleBucket), "public access"},
	{"roles/owner through a module's input", "modules/plan/access.tf", `account = "ingest", role = "roles/pubsub.publisher"`, `account = "ingest", role = "roles/${join("", ["own", "er"])}"`, policy(RuleRole), "roles/owner"},
	{"allUsers on a secret", "modules/tidewire/access.tf", "", "resource \"google_secret_manager_secret_iam_member\" \"seeded\" {\n  secret_id = module.secrets.operators.secret\n  role      = \"roles/secretmanager.secretAccessor\"\n  member    = \"allUsers\"\n}\n", policy(RulePublic), "allUsers"},
	{"a name in the environment misspelt", "modules/plan/environments.tf", "TIDEWIRE_SHARDS =", "TIDEWIRE_SHARD =", contract("environment"), "TIDEWIRE_SHARD,"},
	{"a variable that is needed left out", "modules/plan/environments.tf", "TIDEWIRE_GATEWAY = local.urls.gateway\n      TIDEWIRE_DEMO", "TIDEWIRE_DEMO", contract("environment"), "dashboard needs TIDEWIRE_GATEWAY"},
	{"an environment that is not passed on", "modules/service/main.tf", "for_each = var.environment", "for_each = {}", contract("environment"), "TIDEWIRE_BACKEND"},
	{"a metric misspelt in an alert", "modules/signals/alerts.tf", "'tidewire.holes'", "'tidewire.hole'", contract("metrics"), "tidewire.hole"},
	{"a metric misspelt on the dashboard", "modules/signals/dashboard.tf", "'tidewire.deliveries'", "'tidewire.delivery'", contract("metrics"), "tidewire.delivery"},
	{"a histogram read as a number", "modules/signals/dashboard.tf", "tidewire.answer.duration_bucket", "tidewire.answer.duration", contract("metrics"), "histogram"},
	{"the objective about another metric", "modules/signals/objective.tf", "tidewire.delivery.duration/histogram", "tidewire.delivery.time/histogram", contract("metrics"), "tidewire.delivery.time"},
	{"a reason misspelt", "modules/signals/alerts.tf", "reason='too-slow'", "reason='to-slow'", contract("metrics"), "to-slow"},
	{"a reason of another counter", "modules/signals/alerts.tf", "reason='too-slow'", "reason='resumed'", contract("metrics"), "resumed"},
	{"a log message misspelt", "modules/signals/logs.tf", "the janitor could not tell who is dead", "the janitor could not say who is dead", contract("logs"), "could not say"},
	{"an alert without runbook", "modules/signals/alerts.tf", "    holes = {", "    holes-found = {", contract("logs"), "holes-found"},
	{"retention of shared topics too short", "modules/plan/main.tf", "retention_seconds = var.retention_seconds", "retention_seconds = 300", contract("topics"), "300 s"},
	{"topics that keep nothing", "modules/pubsub/main.tf", `message_retention_duration = "${each.value.retention_seconds}s"`, "", contract("topics"), "keeps"},
	{"the name of a tenant's topic misspelt", "modules/plan/main.tf", `"tw-${id}" => {`, `"tw_${id}" => {`, contract("topics"), "tw-acme"},
	{"the name of a shared topic misspelt", "modules/plan/main.tf", `"tw_pool_${n}"`, `"tw_pool${n}"`, contract("topics"), "tw_pool_"},
	{"lost connections to no topic", "modules/plan/environments.tf", "{ TIDEWIRE_LIFECYCLE_TOPIC = local.lost", `{ TIDEWIRE_LIFECYCLE_TOPIC = "${local.lost}-connections"`, contract("topics"), "nobody makes that"},
	{"a TTL left out", "modules/plan/fields.tf", `field = "expireAt", ttl = true`, `field = "expireAt", ttl = false`, contract("fields"), "connections.expireAt"},
	{"a field left out", "modules/plan/fields.tf", "    { collection = \"connections\", field = \"instance\", ttl = false, group = true, plain = false },\n", "", contract("fields"), "connections.instance"},
	{"an index over all collections left out", "modules/firestore/field/main.tf", `each.value.group ? ["COLLECTION_GROUP"] : []`, `each.value.group ? [] : []`, contract("fields"), "COLLECTION_GROUP"},
	{"a probe's path misspelt", "modules/service/main.tf", `path = "/healthz"`, `path = "/health"`, contract("probes"), "/health"},
	{"another port", "modules/service/main.tf", "container_port = 8080", "container_port = 8000", contract("probes"), "8000"},
	{"a path that never reaches the program", "modules/monitoring/uptime.tf", `path         = "/"`, `path         = "/healthz"`, contract("probes"), "end in z"},
	{"a check that does not wait for the probe", "modules/monitoring/uptime.tf", `"${min(60, each.value.seconds + 10)}s"`, `"5s"`, contract("limits"), "as long"},
	{"HTTP/2 end to end", "modules/service/main.tf", `name           = "http1"`, `name           = "h2c"`, contract("probes"), "h2c"},
	{"sockets cut after five minutes", "modules/tidewire/services.tf", "timeout_seconds = 3600", "timeout_seconds = 300", contract("limits"), "gateway"},
	{"fewer sockets than may be", "modules/tidewire/services.tf", "concurrency = 1000", "concurrency = 80", contract("limits"), "80 sockets"},
	{"the janitor cut while it works", "modules/tidewire/functions.tf", `janitor = { concurrency = 1, timeout_seconds = 60`, `janitor = { concurrency = 1, timeout_seconds = 30`, contract("limits"), "janitor"},
	{"one account for two services", "modules/tidewire/services.tf", "local.emails[each.key]", `local.emails["api"]`, policy(RuleAccount), "account of"},
	{"accounts that are swapped", "modules/tidewire/services.tf", "local.emails[each.key]", `local.emails[{ gateway = "api", api = "gateway", dashboard = "dashboard" }[each.key]]`, contract("accounts"), "not as its own"},
	{"a grant that is planned and not made", "modules/tidewire/access.tf", `if g.resource_kind == "database"`, `if g.resource_kind == "databases"`, contract("accounts"), "api/database"},
	{"a service without account", "modules/service/main.tf", "    service_account                  = var.service_account\n", "", policy(RuleAccount), "default one"},
	{"a secret as plain text", "modules/plan/environments.tf", `api = merge(local.common, local.placing`, `api = merge(local.common, local.placing, { TIDEWIRE_OPERATORS = "{}" }`, policy(RuleSecret), "TIDEWIRE_OPERATORS"},
	{"a secret in the state", "modules/secrets/main.tf", "secret_data_wo = jsonencode", "secret_data = jsonencode", refused, "phemeral"},
	{"a secret that is never written again", "modules/secrets/main.tf", "  secret_data_wo_version = var.operators_version\n", "", policy(RuleSecret), "secret_data_wo_version"},
	{"a secret as an output", "modules/secrets/outputs.tf", "", "output \"seeded\" {\n  description = \"A key.\"\n  value       = ephemeral.random_password.operators.result\n}\n", refused, "phemeral"},
	{"an image by its tag", "modules/tidewire/services.tf", "var.images[each.key]", `replace(var.images[each.key], "/@.*/", ":latest")`, refused, ":latest"},
	{"services that can be deleted", "modules/service/main.tf", "deletion_protection = var.deletion_protection", "deletion_protection = false", policy(RuleProtection), "not protected"},
	{"a database that can be deleted", "modules/firestore/main.tf", `"DELETE_PROTECTION_ENABLED" :`, `"DELETE_PROTECTION_DISABLED" :`, policy(RuleProtection), "database"},
	{"a janitor that everybody may call", "modules/plan/access.tf", `public = ["gateway"`, `public = ["janitor", "gateway"`, policy(RulePublic), "allUsers"},
	{"a service that asks IAM of nobody", "modules/tidewire/main.tf", "", "resource \"google_cloud_run_v2_service\" \"seeded\" {\n  name                 = \"internal\"\n  location             = var.region\n  invoker_iam_disabled = true\n\n  template {\n    containers {\n      image = \"x\"\n    }\n  }\n}\n", policy(RulePublic), "asks IAM"},
	{"an account that owns the database", "modules/plan/access.tf", `role = "roles/datastore.user"`, `role = "roles/datastore.owner"`, policy(RuleRole), "roles/datastore.owner"},
	{"a build that may grant anything", "bootstrap/access.tf", "modifiedGrantsByRole", "grantsByRole", policy(RuleRole), "every other role"},
	{"a role with a wildcard", "modules/plan/access.tf", `"pubsub.subscriptions.list", # for the budget`, `"pubsub.subscriptions.*",`, policy(RuleRole), "pubsub.subscriptions.*"},
	{"a right that a program needs left out", "modules/plan/access.tf", "        \"pubsub.topics.attachSubscription\",\n", "", contract("rights"), "gateway calls CreateSubscription"},
	{"a right that nobody needs", "modules/plan/access.tf", `"pubsub.topics.create",`, `"pubsub.topics.delete", "pubsub.topics.create",`, contract("rights"), "api has pubsub.topics.delete"},
	{"documents that clients may read", "modules/firestore/firestore.rules", "allow read, write: if false;", "allow read: if request.auth != null;\n      allow write: if false;", policy(RulePublic), "request.auth"},
	{"a command beside the plan", "modules/tidewire/main.tf", "", topic("provisioner \"local-exec\" {\n    command = \"true\"\n  }"), policy(RuleTrick), "no plan"},
	{"all changes ignored", "modules/tidewire/main.tf", "", topic("lifecycle {\n    ignore_changes = all\n  }"), source(RuleTrick), "ignores all"},
	{"an attribute of a module's output misspelt", "modules/tidewire/main.tf", "module.plan.hook.url", "module.plan.hook.uri", refused, `"uri"`},
	{"a module from elsewhere", "modules/tidewire/main.tf", "", "module \"seeded\" {\n  source  = \"terraform-google-modules/pubsub/google\"\n  version = \"8.0.0\"\n}\n", source(RuleModule), "not a folder"},
	{"topics that keep their messages elsewhere", "modules/pubsub/main.tf", "allowed_persistence_regions = [var.region]", `allowed_persistence_regions = ["us-east1"]`, contract("topics"), "us-east1"},
	{"programs that speak to Pub/Sub anywhere", "modules/plan/environments.tf", "TIDEWIRE_PUBSUB_REGION = var.region", `TIDEWIRE_PUBSUB_REGION = ""`, contract("topics"), "speak to Pub/Sub in"},
	{"a README behind its module", "modules/pubsub/variables.tf", "", input("seeded", "type = string"), source(RuleReadme), "not what is generated"},
	{"a root that does not hand on all variables", "main.tf", "= var.probe_tenant\n", "= null\n", source(RuleReadme), "main.tf"},
	{"a root with other defaults", "variables.tf", "default     = 9000", "default     = 8000", source(RuleReadme), "variables.tf"},
	{"a permission that was renamed", "bootstrap/access.tf", "datastore.schemas.update", "datastore.indexes.update", policy(RuleRefused), "renamed: datastore.schemas.update"},
	{"a permission that does not exist", "modules/plan/access.tf", "pubsub.topics.attachSubscription", "pubsub.topics.attachSubscriptions", policy(RuleRefused), "does not exist"},
	{"a permission of organizations alone", "bootstrap/access.tf", `"resourcemanager.projects.get",`, `"resourcemanager.projects.get", "resourcemanager.projects.list",`, policy(RuleRefused), "organization only"},
	{"a predefined role that does not exist", "modules/plan/access.tf", `role = "roles/datastore.user"`, `role = "roles/datastore.writer"`, policy(RuleRefused), "roles/datastore.writer"},
	{"a plan that cannot read what it compares with", "bootstrap/access.tf", "    \"monitoring.slos.get\",\n", "", contract("builders"), "monitoring.slos.get"},
	{"a build that may not make what the root makes", "bootstrap/access.tf", `"roles/logging.configWriter",`, "", contract("makers"), "google_logging_metric with roles/logging.configWriter"},
	{"a build that may not change fields", "bootstrap/access.tf", `"datastore.schemas.update",`, "", contract("makers"), "datastore.schemas.update"},
	{"builds that may not use the project", "bootstrap/access.tf", `"serviceusage.services.use",`, "", contract("builders"), "serviceusage.services.use"},
	{"PromQL beside another condition", "modules/monitoring/alerts.tf", "module.signals.policies", "module.signals.alerts", policy(RuleRefused), "takes it alone"},
	{"MQL beside another condition", "modules/tidewire/main.tf", "", conditions(`condition_monitoring_query_language {
      query    = "fetch x"
      duration = "60s"
    }`), policy(RuleRefused), "condition_monitoring_query_language beside"},
	{"a log match beside another condition", "modules/tidewire/main.tf", "", conditions(`condition_matched_log {
      filter = "severity>=ERROR"
    }`), policy(RuleRefused), "condition_matched_log beside"},
	{"seven conditions", "modules/tidewire/main.tf", "", policies(7), policy(RuleRefused), "1 to 6"},
	{"no quota project", "versions.tf", "  user_project_override = true\n", "", policy(RuleRefused), "without user_project_override"},
	{"a quota project that is not used", "versions.tf", "user_project_override = true", "user_project_override = false", policy(RuleRefused), "must be true"},
	{"a quota project without a name", "versions.tf", "  billing_project       = var.project\n", "", policy(RuleRefused), "without billing_project"},
	{"a budget without a quota project", "bootstrap/main.tf", "", "resource \"google_billing_budget\" \"seeded\" {\n  billing_account = \"x\"\n\n  amount {\n    last_period_amount = true\n  }\n}\n", policy(RuleRefused), "google_billing_budget.seeded"},
	{"two fields at once", "modules/firestore/fields.tf", "  depends_on = [module.field_03]\n", "", policy(RuleRefused), "at once"},
	{"a fork in the chain of fields", "modules/firestore/fields.tf", "depends_on = [module.field_03]", "depends_on = [module.field_02]", policy(RuleRefused), "at once"},
	{"all fields at once", "modules/firestore/fields.tf", "  depends_on = [module.field_22]", "  for_each   = { a = 1 }\n  depends_on = [module.field_22]", policy(RuleRefused), "at once"},
	{"two fields in one step", "modules/firestore/main.tf", "", "resource \"google_firestore_field\" \"seeded\" {\n  for_each   = toset([\"a\", \"b\"])\n  collection = \"x\"\n  field      = each.key\n}\n", policy(RuleRefused), "at once"},
	{"a service beyond a new project's quota", "variables.tf", `max = optional(number, 3), cpu_idle`, `max = optional(number, 21), cpu_idle`, refused, "api: 21 instances"},
	{"a release beyond a new project's quota", "variables.tf", `max = optional(number, 3), cpu_idle`, `max = optional(number, 5), cpu_idle`, contract("capacity"), "do not fit a new project's quota"},
	{"another aim of the autoscaler", "modules/plan/capacity.tf", "= 0.6", "= 0.8", contract("capacity"), "do not agree"},
	{"a release that doubles nothing", "modules/plan/capacity.tf", "2 * var.sizes.gateway.max * local.followed", "var.sizes.gateway.max * local.followed", contract("capacity"), "do not agree"},
	{"a wall that no plan tells of", "modules/tidewire/walls.tf", `check "memory"`, `check "memories"`, contract("capacity"), "the wall memory"},
	{"a size that Cloud Run does not have", "variables.tf", `optional(string, "1Gi")`, `optional(string, "5Gi")`, refused, "to 4Gi with cpu 1"},
	{"a probe that is less patient than a gateway", "modules/plan/environments.tf", `"${var.probe.seconds}s"`, `"20s"`, contract("limits"), "keep it waiting for 42s"},
	{"an alarm for one replay that begins late", "modules/signals/alerts.tf", "seconds  = var.probe_failing_seconds", "seconds  = 60", contract("limits"), "failed for 1m0s"},
	{"a probe that holds more sockets than it may", "variables.tf", "held            = optional(number, 6)", "held            = optional(number, 60)", refused, "probe.held"},
	{"logs of requests that are all kept", "modules/monitoring/logs.tf", "count = var.request_logs < 1 ? 1 : 0", "count = 0", contract("costs"), "all are kept"},
	{"failures that are not kept", "modules/monitoring/logs.tf", " AND httpRequest.status<500", "", contract("costs"), "those that failed"},
	{"the program's own lines that are not kept", "modules/monitoring/logs.tf", `log_id(\"run.googleapis.com/requests\") AND `, "", contract("costs"), "other logs"},
	{"tenants by name without a bound", "modules/plan/environments.tf", ", TIDEWIRE_METRICS_TENANTS = tostring(var.metrics_tenants)", "", contract("costs"), "gateway"},
	{"labels that do not arrive", "modules/tidewire/services.tf", "  labels               = var.labels\n", "", contract("options"), "has not the label"},
	{"a topic that the key does not encrypt", "modules/pubsub/main.tf", "kms_key_name = var.kms_key", "kms_key_name = null", contract("options"), "not encrypted"},
	{"a bucket that the key does not encrypt", "bootstrap/main.tf", "for_each = var.kms_key == null ? [] : [var.kms_key]", "for_each = []", contract("options"), "not encrypted"},
	{"alerts that nobody is told of", "modules/monitoring/alerts.tf", "local.notification_channels", "[]", contract("options"), "told to nobody"},
	{"a grant to allUsers where it is forbidden", "modules/service/main.tf", "var.public && !var.invoker_iam_disabled ? 1 : 0", "var.public ? 1 : 0", contract("options"), "allUsers"},
	{"a network beside the one that is given", "modules/tidewire/main.tf", "var.vpc_egress.network == null ? 1 : 0", "1", contract("options"), "the network is there"},
	{"an account beside the one that is given", "modules/tidewire/access.tf", " if !contains(keys(var.service_accounts), short)", "", contract("options"), "another one is given"},
	{"images that are kept for ever", "bootstrap/main.tf", `tag_state  = "TAGGED"`, `tag_state  = "UNTAGGED"`, contract("images"), "tagged"},
	{"a rule of a module that its caller breaks", "modules/tidewire/services.tf", "concurrency = 1000", "concurrency = 1001", refused, "1 to 1000"},
}

func topic(more string) string {
	return "resource \"google_pubsub_topic\" \"seeded\" {\n  name = \"x\"\n  " + more + "\n}\n"
}

// conditions is an alert policy with a threshold and another condition.
func conditions(more string) string {
	return "resource \"google_monitoring_alert_policy\" \"seeded\" {\n  display_name = \"x\"\n  combiner     = \"OR\"\n\n" + threshold +
		"  conditions {\n    display_name = \"another\"\n\n    " + more + "\n  }\n}\n"
}

// policies is an alert policy with so many thresholds.
func policies(n int) string {
	return "resource \"google_monitoring_alert_policy\" \"seeded\" {\n  display_name = \"x\"\n  combiner     = \"OR\"\n\n" + strings.Repeat(threshold, n) + "}\n"
}

const threshold = "  conditions {\n    display_name = \"one\"\n\n    condition_threshold {\n      comparison = \"COMPARISON_GT\"\n      duration   = \"60s\"\n    }\n  }\n"

func input(name, more string) string {
	return "variable \"" + name + "\" {\n  description = \"What.\"\n  " + more + "\n}\n"
}
