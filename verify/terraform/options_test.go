package terraform

import "strings"

// encrypted says where each kind of what keeps data names the key that encrypts it.
var encrypted = map[string][]string{
	"google_artifact_registry_repository": {"kms_key_name"},
	"google_cloud_run_v2_service":         {"template", "encryption_key"},
	"google_cloudfunctions2_function":     {"kms_key_name"},
	"google_firestore_database":           {"cmek_config", "kms_key_name"},
	"google_pubsub_topic":                 {"kms_key_name"},
	"google_secret_manager_secret":        {"replication", "user_managed", "replicas", "customer_managed_encryption", "kms_key_name"},
	"google_storage_bucket":               {"encryption", "default_kms_key_name"},
}

// options: what is asked for by one variable is done everywhere: labels, the key, incidents by e-mail, and the network.
func options(d *deployed, found *problems) {
	for _, i := range d.instances() {
		if path, ok := encrypted[i.Type]; ok {
			if key, _ := i.Text(path...); !strings.HasSuffix(key, "/cryptoKeys/live") {
				found.add(RuleValue, i.Address, "%s is not encrypted by the key that is asked for", i.Address)
			}
		}
		if labels, takes := labelsOf(i); takes && labels["team"] == nil {
			found.add(RuleValue, i.Address, "%s has not the label that is asked for", i.Address)
		}
		if i.Type == "google_monitoring_alert_policy" {
			if len(i.List("notification_channels")) == 0 {
				found.add(RuleValue, i.Address, "%s is told to nobody", i.Address)
			}
		}
	}
	organization(d, found)
}

// labelsOf are the labels of an instance, and whether it takes some.
func labelsOf(i Instance) (labels map[string]any, takes bool) {
	for _, name := range []string{"user_labels", "labels"} { // of what has both, the first are for people
		if value, takes := i.Values[name]; takes {
			labels, _ := value.(map[string]any)
			return labels, true
		}
	}
	return nil, false
}

// organization: one that forbids allUsers, gives accounts and has a network gets none of its own.
func organization(d *deployed, found *problems) {
	for _, i := range d.resources(".", "in an organization") {
		if member, _ := i.Text("member"); member == "allUsers" {
			found.add(RulePublic, i.Address, "%s is for allUsers, and invoker_iam_disabled is set", i.Address)
		}
		if strings.HasPrefix(i.Type, "google_compute_") {
			found.add(RuleValue, i.Address, "%s is made, and the network is there", i.Address)
		}
		if id, _ := i.Text("account_id"); i.Type == "google_service_account" && (id == "tidewire-gateway" || id == "tidewire-api") {
			found.add(RuleAccount, i.Address, "%s is made, and another one is given", i.Address)
		}
		if i.Type != "google_cloud_run_v2_service" {
			continue
		}
		if !i.Is("invoker_iam_disabled") {
			found.add(RulePublic, i.Address, "%s asks IAM, and nobody is granted it", i.Address)
		}
		if network, _ := i.Text("template", "vpc_access", "network_interfaces", "network"); network != "projects/net/global/networks/shared" {
			found.add(RuleValue, i.Address, "%s calls out through %q, and not the network that is given", i.Address, network)
		}
	}
}

// cleaned: what a build pushes goes again one day, tagged or not, and the newest of it never.
func cleaned(d *deployed, found *problems) {
	for _, i := range of(d.bootstrap(), "google_artifact_registry_repository") {
		removed, kept := map[string]bool{}, false
		for _, policy := range i.Blocks("cleanup_policies") {
			action, _ := policy.Text("action")
			state, _ := policy.Text("condition", "tag_state")
			if action == "DELETE" {
				removed[state] = true
			}
			if count, _ := policy.Number("most_recent_versions", "keep_count"); action == "KEEP" && count >= 10 {
				kept = true
			}
		}
		if !removed["TAGGED"] || !removed["UNTAGGED"] || !kept {
			found.add(RuleValue, i.Address, "%s: images that are tagged and untagged have to go one day, and the newest never: %v %v", i.Address, removed, kept)
		}
	}
}
