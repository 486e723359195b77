package terraform

import "strings"

// accounts: each program runs as its own account, and that has what modules/plan grants it, where it grants it.
func accounts(d *deployed, found *problems) {
	ids := map[string]string{} // identifier to short name
	for short, id := range d.plan().Accounts {
		ids[id] = short
	}
	emails, members := map[string]string{}, map[string]string{}
	for _, i := range of(d.root(), "google_service_account") {
		id, _ := i.Text("account_id")
		email, _ := i.Text("email")
		member, _ := i.Text("member")
		emails[email], members[member] = ids[id], ids[id]
	}
	for _, program := range sortedKeys(callers) {
		i, _ := d.program(program)
		account, ok := i.Text("template", "service_account")
		if !ok {
			account, _ = i.Text("service_config", "service_account_email")
		}
		if emails[account] != program {
			found.add(RuleAccount, i.Address, "%s runs as %s, and not as its own account", program, account)
		}
	}
	made := map[Grant]bool{}
	for _, i := range d.instances() {
		if !strings.HasSuffix(i.Type, "_iam_member") {
			continue
		}
		g := Grant{ResourceKind: granted[i.Type]}
		g.Role, _ = i.Text("role")
		member, _ := i.Text("member")
		g.Account = members[member]
		for _, of := range []string{"topic", "secret_id", "name", "project"} {
			if g.Resource == "" {
				g.Resource, _ = i.Text(of)
			}
		}
		if condition, ok := i.Text("condition", "expression"); ok && g.ResourceKind == "project" {
			_, database, _ := strings.Cut(condition, "/databases/")
			g.ResourceKind, g.Resource = "database", strings.TrimSuffix(database, `"`)
		}
		made[g] = true
	}
	for _, key := range sortedKeys(d.plan().Grants) {
		if g := d.plan().Grants[key]; !made[g] {
			found.add(RuleRole, "access.tf", "nobody grants %s: %+v", key, g)
		}
	}
}

// granted says what a grant by each kind of resource is on.
var granted = map[string]string{
	"google_project_iam_member": "project", "google_pubsub_topic_iam_member": "topic", "google_secret_manager_secret_iam_member": "secret",
	"google_cloud_run_v2_service_iam_member": "service", "google_pubsub_subscription_iam_member": "subscription",
}
