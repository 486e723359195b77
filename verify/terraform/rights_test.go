package terraform

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// calls are what the driver asks of Pub/Sub, with the permissions that each needs
// (https://cloud.google.com/pubsub/docs/access-control#required_permissions).
var calls = map[string][]string{
	"CreateSubscription": {"pubsub.subscriptions.create", "pubsub.topics.attachSubscription"},
	"DeleteSubscription": {"pubsub.subscriptions.delete"},
	"GetSubscription":    {"pubsub.subscriptions.get"},
	"ListSubscriptions":  {"pubsub.subscriptions.list"},
	"Seek":               {"pubsub.subscriptions.consume"},
	"StreamingPull":      {"pubsub.subscriptions.consume"},
	"Acknowledge":        {"pubsub.subscriptions.consume"},
	"ModifyAckDeadline":  {"pubsub.subscriptions.consume"},
	"CreateTopic":        {"pubsub.topics.create"},
	"GetTopic":           {"pubsub.topics.get"},
	"UpdateTopic":        {"pubsub.topics.update"},
	"DeleteTopic":        {"pubsub.topics.delete"},
	"Publish":            {"pubsub.topics.publish"},
}

// callers says who makes them: a gateway follows, the api makes topics and reads what they keep, the janitor sweeps, the keeper reads. Nobody deletes a topic.
var callers = map[string][]string{
	"gateway":   {"CreateSubscription", "DeleteSubscription", "GetSubscription", "ListSubscriptions", "Seek", "StreamingPull", "GetTopic", "Publish"},
	"api":       {"CreateTopic", "GetTopic", "UpdateTopic", "Publish", "CreateSubscription", "DeleteSubscription", "GetSubscription", "ListSubscriptions", "Seek", "StreamingPull"},
	"ingest":    {"Publish"},
	"janitor":   {"ListSubscriptions", "DeleteSubscription", "Publish"},
	"keeper":    {"CreateSubscription", "DeleteSubscription", "GetSubscription", "Seek", "StreamingPull", "Acknowledge", "ModifyAckDeadline", "GetTopic", "Publish"},
	"crawler":   {"Publish"},
	"filter":    {"Publish"},
	"dashboard": nil,
	"probe":     nil,
}

// predefined roles of Pub/Sub that may be granted, with their permissions.
var predefined = map[string][]string{"roles/pubsub.publisher": {"pubsub.topics.publish"}}

// rights: in Pub/Sub each program may do what it calls, and nothing else.
func rights(d *deployed, found *problems) {
	unlisted(found)
	custom := map[string][]string{}
	for _, i := range of(d.instances(), "google_project_iam_custom_role") {
		id, _ := i.Text("role_id")
		custom["projects/tidewire-test/roles/"+id] = append(custom["projects/tidewire-test/roles/"+id], i.Texts("permissions")...)
	}
	has := map[string]map[string]bool{}
	for _, key := range sortedKeys(d.plan().Grants) {
		g := d.plan().Grants[key]
		all := append(slices.Clone(custom[g.Role]), predefined[g.Role]...)
		if len(all) == 0 && strings.HasPrefix(g.Role, "roles/pubsub.") {
			found.add(RuleRole, "modules/plan/access.tf", "%s grants %s, and this contract does not know what that may do", key, g.Role)
		}
		for _, p := range all {
			if has[g.Account] == nil {
				has[g.Account] = map[string]bool{}
			}
			has[g.Account][p] = true
		}
	}
	for _, program := range sortedKeys(callers) {
		needs := map[string]bool{}
		for _, call := range callers[program] {
			for _, p := range calls[call] {
				needs[p] = true
				if !has[program][p] {
					found.add(RuleRole, "modules/plan/access.tf", "%s calls %s, and may not: it has no %s", program, call, p)
				}
			}
		}
		for _, p := range sortedKeys(has[program]) {
			if strings.HasPrefix(p, "pubsub.") && !needs[p] {
				found.add(RuleRole, "modules/plan/access.tf", "%s has %s, and calls nothing that needs it", program, p)
			}
		}
	}
}

// unlisted looks for calls in the driver that the table above lacks.
func unlisted(found *problems) {
	admin := regexp.MustCompile(`(?:AdminClient|\bsubs)\.(\w+)\(`)
	files, err := filepath.Glob("../../realtime/driver/gcp/gcppubsub/*.go")
	if err != nil || len(files) == 0 {
		found.add(RuleReadme, "realtime/driver/gcp/gcppubsub", "no files: %v", err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			found.add(RuleReadme, file, "%v", err)
			continue
		}
		for _, m := range admin.FindAllStringSubmatch(string(text), -1) {
			seen++
			if calls[m[1]] == nil {
				found.add(RuleRole, file, "the driver calls %s, and nobody has said who needs it", m[1])
			}
		}
	}
	if seen < 8 {
		found.add(RuleReadme, "realtime/driver/gcp/gcppubsub", "only %d calls were found", seen)
	}
}
