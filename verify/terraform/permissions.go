package terraform

import "strings"

// The permissions and roles that exist, as far as they matter here: what is named in this repository and what stands beside it. They are
// those of every predefined role as `gcloud iam roles describe` had them on 2026-08-22, and of
// https://cloud.google.com/iam/docs/roles-permissions. IAM refuses a custom role with a permission that does not exist, and says so at the
// apply. A permission or a role that is right and missing here is looked up there, and added.

// permissions has what there is of each kind of resource.
var permissions = map[string]string{ //nolint:gosec // names of permissions, no credentials
	"artifactregistry.repositories":       "create delete deleteArtifacts downloadArtifacts get getIamPolicy list setIamPolicy update uploadArtifacts",
	"billing.budgets":                     "create delete get list update",
	"cloudkms.cryptoKeys":                 "create get getIamPolicy list setIamPolicy update",
	"cloudkms.cryptoKeyVersions":          "useToDecrypt useToEncrypt",
	"cloudtrace.traces":                   "get list patch",
	"run.jobs":                            "create delete get list run update",
	"cloudbuild.builds":                   "approve create get list update",
	"cloudfunctions.functions":            "call create delete generationUpgrade get getIamPolicy invoke list setIamPolicy sourceCodeGet sourceCodeSet update",
	"cloudfunctions.locations":            "list",
	"cloudfunctions.operations":           "get list",
	"cloudscheduler.jobs":                 "create delete enable fullView get list pause run update",
	"cloudscheduler.locations":            "get list",
	"compute.backendServices":             "create delete get list setSecurityPolicy update use",
	"compute.globalAddresses":             "create delete get list setLabels use",
	"compute.globalForwardingRules":       "create delete get list setLabels setTarget update",
	"compute.globalOperations":            "get list",
	"compute.networks":                    "create delete get list update use",
	"compute.regionNetworkEndpointGroups": "create delete get list use",
	"compute.regionOperations":            "get list",
	"compute.routers":                     "create delete get list update use",
	"compute.securityPolicies":            "create delete get list setLabels update use",
	"compute.sslCertificates":             "create delete get list",
	"compute.sslPolicies":                 "create delete get list update use",
	"compute.subnetworks":                 "create delete get getIamPolicy list setIamPolicy update use",
	"compute.targetHttpProxies":           "create delete get list setUrlMap update use",
	"compute.targetHttpsProxies":          "create delete get list setSslCertificates setSslPolicy setUrlMap update use",
	"compute.urlMaps":                     "create delete get list update use validate",
	"datastore.backupSchedules":           "create delete get list update",
	"datastore.backups":                   "delete get list restoreDatabase",
	"datastore.databases":                 "bulkDelete clone create delete export get getMetadata import list update",
	"datastore.entities":                  "allocateIds create delete get list update",
	"datastore.locations":                 "get list",
	"datastore.namespaces":                "get list",
	"datastore.operations":                "cancel delete get list",
	"datastore.schemas":                   "create delete get list update",
	"datastore.statistics":                "get list",
	"firebaserules.releases":              "create delete get getExecutable list update",
	"firebaserules.rulesets":              "create delete get list test",
	"iam.roles":                           "create delete get list undelete update",
	"iam.serviceAccounts":                 "actAs create delete disable enable get getAccessToken getIamPolicy getOpenIdToken list setIamPolicy signBlob signJwt undelete update",
	"logging.exclusions":                  "create delete get list update",
	"logging.logEntries":                  "create list route",
	"logging.logMetrics":                  "create delete get list update",
	"logging.sinks":                       "create delete get list update",
	"monitoring.alertPolicies":            "create delete get list update",
	"monitoring.dashboards":               "create delete get list update",
	"monitoring.notificationChannels":     "create delete get list sendVerificationCode update verify",
	"monitoring.services":                 "create delete get list update",
	"monitoring.slos":                     "create delete get list update",
	"monitoring.timeSeries":               "create list",
	"monitoring.uptimeCheckConfigs":       "create delete get list update",
	"pubsub.schemas":                      "attach commit create delete get getIamPolicy list listRevisions rollback setIamPolicy validate",
	"pubsub.snapshots":                    "create delete get getIamPolicy list seek setIamPolicy update",
	"pubsub.subscriptions":                "consume create delete get getIamPolicy list setIamPolicy update",
	"pubsub.topics":                       "attachSubscription create delete detachSubscription get getIamPolicy list publish setIamPolicy update updateTag",
	"resourcemanager.projects":            "get getIamPolicy list setIamPolicy update",
	"run.locations":                       "list",
	"run.operations":                      "delete get list",
	"run.revisions":                       "delete get list",
	"run.routes":                          "get invoke list",
	"run.services":                        "create delete get getIamPolicy list setIamPolicy update",
	"secretmanager.locations":             "get list",
	"secretmanager.secrets":               "create delete get getIamPolicy list setIamPolicy update",
	"secretmanager.versions":              "access add destroy disable enable get list",
	"serviceusage.quotas":                 "get update",
	"serviceusage.services":               "disable enable get list use",
	"storage.buckets":                     "create delete get getIamPolicy list setIamPolicy update",
	"storage.objects":                     "create delete get getIamPolicy list setIamPolicy update",
}

// renamed has kinds of permissions that IAM knows by another name since: no role holds the old one.
var renamed = map[string]string{
	"datastore.indexes": "datastore.schemas", // no predefined role since 2026-02-28
}

// wide permissions are those that a custom role of a project may not hold, although they exist: only one of an organization may.
var wide = []string{"resourcemanager.projects.list"}

// roles are the predefined ones that are granted here.
var roles = strings.Fields(`
	artifactregistry.reader artifactregistry.writer
	cloudfunctions.developer cloudscheduler.admin
	cloudkms.cryptoKeyEncrypterDecrypter
	compute.loadBalancerAdmin compute.networkAdmin compute.networkUser compute.securityAdmin
	datastore.owner datastore.user datastore.viewer
	firebaserules.admin
	iam.serviceAccountAdmin iam.serviceAccountTokenCreator iam.serviceAccountUser
	logging.configWriter logging.logWriter
	monitoring.editor monitoring.metricWriter monitoring.notificationChannelEditor
	owner pubsub.admin pubsub.editor pubsub.publisher pubsub.subscriber pubsub.viewer
	resourcemanager.projectIamAdmin
	run.admin run.invoker run.viewer
	secretmanager.admin secretmanager.secretAccessor
	serviceusage.serviceUsageAdmin serviceusage.serviceUsageConsumer
	storage.objectCreator storage.objectUser storage.objectViewer
	telemetry.metricsWriter telemetry.tracesWriter telemetry.writer`)

// refusedPermission says why IAM would refuse a custom role with a permission, or nothing.
func refusedPermission(permission string) string {
	i := strings.LastIndex(permission, ".")
	if i < 0 {
		return "is no permission: it must be service.resource.verb"
	}
	kind, verb := permission[:i], permission[i+1:]
	if now, ok := renamed[kind]; ok {
		return "was renamed: " + now + "." + verb
	}
	if !contains(permissions[kind], verb) {
		return "does not exist, or is not in verify/terraform/permissions.go"
	}
	for _, w := range wide {
		if w == permission {
			return "can be held by a custom role of an organization only"
		}
	}
	return ""
}

// contains says whether a word is in a list of them.
func contains(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}
