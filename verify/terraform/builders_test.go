package terraform

import "strings"

// readWith says of each type of resource in the root which permission a plan reads it with. A plan by an account without it fails
// with PERMISSION_DENIED at the first refresh, which no stub shows.
var readWith = map[string]string{
	"google_cloud_run_v2_service":                  "run.services.get",
	"google_cloud_run_v2_service_iam_member":       "run.services.getIamPolicy",
	"google_cloud_scheduler_job":                   "cloudscheduler.jobs.get",
	"google_cloudfunctions2_function":              "cloudfunctions.functions.get",
	"google_compute_backend_service":               "compute.backendServices.get",
	"google_compute_global_address":                "compute.globalAddresses.get",
	"google_compute_global_forwarding_rule":        "compute.globalForwardingRules.get",
	"google_compute_managed_ssl_certificate":       "compute.sslCertificates.get",
	"google_compute_network":                       "compute.networks.get",
	"google_compute_region_network_endpoint_group": "compute.regionNetworkEndpointGroups.get",
	"google_compute_router":                        "compute.routers.get",
	"google_compute_router_nat":                    "compute.routers.get",
	"google_compute_security_policy":               "compute.securityPolicies.get",
	"google_compute_ssl_policy":                    "compute.sslPolicies.get",
	"google_compute_subnetwork":                    "compute.subnetworks.get",
	"google_compute_target_http_proxy":             "compute.targetHttpProxies.get",
	"google_compute_target_https_proxy":            "compute.targetHttpsProxies.get",
	"google_compute_url_map":                       "compute.urlMaps.get",
	"google_firebaserules_release":                 "firebaserules.releases.get",
	"google_firebaserules_ruleset":                 "firebaserules.rulesets.get",
	"google_firestore_backup_schedule":             "datastore.backupSchedules.get",
	"google_firestore_database":                    "datastore.databases.getMetadata",
	"google_firestore_field":                       "datastore.schemas.get",
	"google_logging_project_exclusion":             "logging.exclusions.get",
	"google_logging_metric":                        "logging.logMetrics.get",
	"google_monitoring_alert_policy":               "monitoring.alertPolicies.get",
	"google_monitoring_custom_service":             "monitoring.services.get",
	"google_monitoring_dashboard":                  "monitoring.dashboards.get",
	"google_monitoring_notification_channel":       "monitoring.notificationChannels.get",
	"google_billing_budget":                        "", // by a role on the billing account
	"google_monitoring_slo":                        "monitoring.slos.get",
	"google_monitoring_uptime_check_config":        "monitoring.uptimeCheckConfigs.get",
	"google_project_iam_member":                    "resourcemanager.projects.getIamPolicy",
	"google_project_service":                       "serviceusage.services.list",
	"google_pubsub_subscription":                   "pubsub.subscriptions.get",
	"google_pubsub_subscription_iam_member":        "pubsub.subscriptions.getIamPolicy",
	"google_pubsub_topic":                          "pubsub.topics.get",
	"google_pubsub_topic_iam_member":               "pubsub.topics.getIamPolicy",
	"google_secret_manager_secret":                 "secretmanager.secrets.get",
	"google_secret_manager_secret_iam_member":      "secretmanager.secrets.getIamPolicy",
	"google_secret_manager_secret_version":         "secretmanager.versions.get",
	"google_service_account":                       "iam.serviceAccounts.get",
	"google_storage_bucket_object":                 "", // by a grant on the bucket
}

// builders: the accounts of builds can read what the root makes, and may attribute their calls to the project, as the provider is told to.
func builders(d *deployed, found *problems) {
	has := permitted(d, "_planner")
	if !has["serviceusage.services.use"] {
		found.add(RuleRole, "bootstrap/access.tf", "user_project_override is set, and builds have no serviceusage.services.use")
	}
	said := map[string]bool{}
	for _, i := range d.root() {
		if said[i.Type] {
			continue
		}
		said[i.Type] = true
		permission, ok := readWith[i.Type]
		if !ok {
			found.add(RuleRole, i.Address, "nobody has said with which permission a plan reads a %s", i.Type)
		} else if permission != "" && !has[permission] {
			found.add(RuleRole, "bootstrap/access.tf", "a plan reads %s with %s, and the accounts of builds have it not", i.Type, permission)
		}
	}
}

// permitted are the permissions of the builds' custom role whose identifier ends like this.
func permitted(d *deployed, suffix string) map[string]bool {
	has := map[string]bool{}
	for _, i := range of(d.bootstrap(), "google_project_iam_custom_role") {
		if id, _ := i.Text("role_id"); strings.HasSuffix(id, suffix) {
			for _, p := range i.Texts("permissions") {
				has[p] = true
			}
		}
	}
	return has
}

// makeWith says what a build makes each type of resource with: a permission of its custom role, or a predefined role. The longest name that
// a type begins with counts.
var makeWith = map[string]string{
	"google_billing_budget":                   "", // by a role on the billing account
	"google_cloud_run_v2_service":             "roles/run.admin",
	"google_cloud_scheduler_job":              "roles/cloudscheduler.admin",
	"google_cloudfunctions2_function":         "roles/cloudfunctions.developer",
	"google_compute_":                         "roles/compute.networkAdmin",
	"google_compute_backend_service":          "roles/compute.loadBalancerAdmin",
	"google_compute_security_policy":          "roles/compute.securityAdmin",
	"google_compute_ssl_policy":               "roles/compute.securityAdmin",
	"google_firebaserules_":                   "roles/firebaserules.admin",
	"google_firestore_backup_schedule":        "datastore.backupSchedules.create",
	"google_firestore_database":               "datastore.databases.create",
	"google_firestore_field":                  "datastore.schemas.update",
	"google_logging_":                         "roles/logging.configWriter",
	"google_monitoring_":                      "roles/monitoring.editor",
	"google_project_iam_member":               "roles/resourcemanager.projectIamAdmin",
	"google_project_service":                  "roles/serviceusage.serviceUsageAdmin",
	"google_pubsub_subscription":              "pubsub.subscriptions.create",
	"google_pubsub_subscription_iam_member":   "pubsub.subscriptions.setIamPolicy",
	"google_pubsub_topic":                     "pubsub.topics.create",
	"google_pubsub_topic_iam_member":          "pubsub.topics.setIamPolicy",
	"google_secret_manager_secret":            "secretmanager.secrets.create",
	"google_secret_manager_secret_iam_member": "secretmanager.secrets.setIamPolicy",
	"google_secret_manager_secret_version":    "secretmanager.versions.add",
	"google_service_account":                  "iam.serviceAccounts.create",
	"google_storage_bucket_object":            "", // by a grant on the bucket
}

// makers: the account that applies may make what the root makes.
func makers(d *deployed, found *problems) {
	has := permitted(d, "_deployer")
	for _, i := range of(d.bootstrap(), "google_project_iam_member") {
		if member, _ := i.Text("member"); strings.Contains(member, "tidewire-build@") {
			role, _ := i.Text("role")
			has[role] = true
		}
	}
	said := map[string]bool{}
	for _, i := range d.root() {
		if said[i.Type] {
			continue
		}
		said[i.Type] = true
		longest := ""
		for name := range makeWith {
			if strings.HasPrefix(i.Type, name) && len(name) > len(longest) {
				longest = name
			}
		}
		if right := makeWith[longest]; longest == "" {
			found.add(RuleRole, i.Address, "nobody has said with which right a build makes a %s", i.Type)
		} else if right != "" && !has[right] {
			found.add(RuleRole, "bootstrap/access.tf", "a build makes %s with %s, and has it not", i.Type, right)
		}
	}
}
