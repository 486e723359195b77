package terraform

import (
	"regexp"
	"slices"
	"strings"
)

// What no deployment of ours may do.
const (
	RuleRole       Rule = "role"       // a role of everything, or one that cannot be told
	RulePublic     Rule = "public"     // open to everybody, and not named as such
	RuleAccount    Rule = "account"    // no account of its own
	RuleBucket     Rule = "bucket"     // a bucket that could be opened to the public
	RuleImage      Rule = "image"      // an image that may be another one tomorrow
	RuleProtection Rule = "protection" // something that is lost with one wrong apply
	RuleSecret     Rule = "secret"     // a secret that could be read in the plan, the state or a console
	RuleTrick      Rule = "trick"      // what runs, or is left, beside Terraform's plan
	RuleRefused    Rule = "refused"    // what Google's APIs refuse at the apply, whatever the schema says
)

// Exempt is who may do what nobody else may. Each is named.
type Exempt struct {
	Public   []string // services that everybody may call, by name
	Accounts []string // accounts that are made elsewhere, by address
	Granters []string // custom roles that may grant, by address
	Admins   []string // members that may have a role of whoever administers something, by address without key
}

// Policy judges a plan.
func Policy(plan *Plan, exempt Exempt) []Problem {
	j := &judge{exempt: exempt, made: map[string]bool{}, accounts: map[string]string{}}
	for _, i := range plan.Instances {
		if email, ok := i.Text("email"); ok && i.Type == "google_service_account" {
			j.made[email] = true
		}
	}
	for _, i := range plan.Instances {
		j.access(i)
		j.program(i)
		j.stores(i)
		j.secrets(i)
		j.tricks(i)
		j.alerts(i)
	}
	j.together(plan.Instances)
	j.order("root", plan.config.Root)
	j.quota(plan.config)
	j.provisioned("", plan.config.Root)
	return j.sorted()
}

type judge struct {
	problems
	exempt   Exempt
	made     map[string]bool   // accounts that the plan makes
	accounts map[string]string // account to the program that has it
}

// basic roles are those of a whole project.
var basic = []string{"roles/owner", "roles/editor", "roles/viewer", "roles/browser"}

// powerful roles are those that let somebody change what others may do, or take away what there is.
var powerful = regexp.MustCompile(`(?i)(admin|owner|editor)$`)

// granting roles let somebody grant any other.
var granting = regexp.MustCompile(`^roles/(iam\.(security|role|serviceAccountKey)Admin|resourcemanager\.\w*Admin|owner)$`)

// access judges who may do what.
func (j *judge) access(i Instance) {
	switch {
	case strings.HasSuffix(i.Type, "_iam_binding"), strings.HasSuffix(i.Type, "_iam_policy"):
		j.add(RuleRole, i.Address, "%s takes the role from everybody else: use an _iam_member", i.Address)
	case i.Type == "google_project_iam_custom_role":
		j.permissions(i)
	case i.Type == "google_cloud_run_v2_service" && i.Is("invoker_iam_disabled"):
		if name, _ := i.Text("name"); !slices.Contains(j.exempt.Public, name) {
			j.add(RulePublic, i.Address, "%s asks IAM of nobody", i.Address)
		}
	}
	if !strings.HasSuffix(i.Type, "_iam_member") {
		return
	}
	role, known := i.Text("role")
	if !known {
		j.add(RuleRole, i.Address, "%s: nobody can tell which role this is", i.Address)
	} else if name, predefined := strings.CutPrefix(role, "roles/"); predefined && !slices.Contains(roles, name) {
		j.add(RuleRefused, i.Address, "%s grants %s: it does not exist, or is not in verify/terraform/permissions.go", i.Address, role)
	} else if plain, _, _ := strings.Cut(i.Address, "["); slices.Contains(basic, role) || powerful.MatchString(role) && !slices.Contains(j.exempt.Admins, plain) {
		j.add(RuleRole, i.Address, "%s grants %s", i.Address, role)
	}
	if condition, _ := i.Text("condition", "expression"); granting.MatchString(role) && !strings.Contains(condition, "modifiedGrantsByRole") {
		j.add(RuleRole, i.Address, "%s grants %s, with which every other role can be had", i.Address, role)
	}
	member, known := i.Text("member")
	if !known {
		j.add(RuleRole, i.Address, "%s: nobody can tell whom this is for", i.Address)
	} else if member == "allUsers" || member == "allAuthenticatedUsers" {
		name, _ := i.Text("name")
		if i.Type != "google_cloud_run_v2_service_iam_member" || role != "roles/run.invoker" || !slices.Contains(j.exempt.Public, name) {
			j.add(RulePublic, i.Address, "%s grants %s to %s", i.Address, role, member)
		}
	}
}

func (j *judge) permissions(i Instance) {
	permissions := i.Texts("permissions")
	if len(permissions) == 0 {
		j.add(RuleRole, i.Address, "%s: nobody can tell which permissions it has", i.Address)
	}
	for _, p := range permissions {
		grants := strings.HasSuffix(p, "setIamPolicy") && !slices.Contains(j.exempt.Granters, i.Address)
		if strings.Contains(p, "*") || grants {
			j.add(RuleRole, i.Address, "%s has the permission %s", i.Address, p)
		} else if why := refusedPermission(p); why != "" {
			j.add(RuleRefused, i.Address, "%s has the permission %s, which %s", i.Address, p, why)
		}
	}
}

var digest = regexp.MustCompile(`^[^@\s]+@sha256:[0-9a-f]{64}$`)

// program judges a service or a function: its account, its image, its protection.
func (j *judge) program(i Instance) {
	var account string
	var known bool
	switch i.Type {
	case "google_cloud_run_v2_service":
		account, known = i.Text("template", "service_account")
		if image, ok := i.Text("template", "containers", "image"); !ok || !digest.MatchString(image) {
			j.add(RuleImage, i.Address, "%s: the image %q is not given by its digest", i.Address, image)
		}
		if !i.Is("deletion_protection") {
			j.add(RuleProtection, i.Address, "%s is not protected from deletion", i.Address)
		}
	case "google_cloud_run_v2_job":
		account, known = i.Text("template", "template", "service_account")
	case "google_cloudfunctions2_function":
		account, known = i.Text("service_config", "service_account_email")
	default:
		return
	}
	switch other, taken := j.accounts[account]; {
	case !known || account == "":
		j.add(RuleAccount, i.Address, "%s has no account: it would be the project's default one, which may do everything", i.Address)
	case !j.made[account] && !slices.Contains(j.exempt.Accounts, account):
		j.add(RuleAccount, i.Address, "%s has the account %s, which is not made here", i.Address, account)
	case taken:
		j.add(RuleAccount, i.Address, "%s has the account of %s", i.Address, other)
	default:
		j.accounts[account] = i.Address
	}
}

// allow finds what rules of Firestore allow, and on which condition.
var allow = regexp.MustCompile(`(?m)^\s*allow [^:;]*:?([^;]*);`)

// stores judges what keeps data.
func (j *judge) stores(i Instance) {
	switch i.Type {
	case "google_storage_bucket":
		if prevention, _ := i.Text("public_access_prevention"); prevention != "enforced" {
			j.add(RuleBucket, i.Address, "%s does not prevent public access", i.Address)
		}
		if !i.Is("uniform_bucket_level_access") {
			j.add(RuleBucket, i.Address, "%s has access lists on its objects", i.Address)
		}
		if i.Is("force_destroy") {
			j.add(RuleProtection, i.Address, "%s is deleted with what is in it", i.Address)
		}
	case "google_firebaserules_ruleset":
		content, _ := i.Text("source", "files", "content")
		allows := allow.FindAllStringSubmatch(content, -1)
		if len(allows) == 0 {
			j.add(RulePublic, i.Address, "%s: nobody can tell what these rules allow", i.Address)
		}
		for _, a := range allows {
			if strings.TrimSpace(a[1]) != "if false" {
				j.add(RulePublic, i.Address, "%s lets clients at documents: %s", i.Address, strings.TrimSpace(a[0]))
			}
		}
	case "google_firestore_database":
		if state, _ := i.Text("delete_protection_state"); state != "DELETE_PROTECTION_ENABLED" {
			j.add(RuleProtection, i.Address, "%s is not protected from deletion", i.Address)
		}
	}
}

var (
	secretName = regexp.MustCompile(`(?i)(secret|password|token|credential|operators|private|(^|_)keys?($|_))`)
	secretText = regexp.MustCompile(`(?i)-----BEGIN|"secret"|"private_key"`)
)

// secrets judges whether one could be read where it should not be.
func (j *judge) secrets(i Instance) {
	environment := i.Environment()
	for _, name := range sortedKeys(environment) {
		v := environment[name]
		if (v.Secret == "" || v.Value != "") && (secretName.MatchString(name) || secretText.MatchString(v.Value)) {
			j.add(RuleSecret, i.Address, "%s has %s as plain text: read it from Secret Manager", i.Address, name)
		}
	}
	switch i.Type {
	case "google_secret_manager_secret_version":
		if i.At("secret_data") != nil {
			j.add(RuleSecret, i.Address, "%s: secret_data would be in the state: use secret_data_wo", i.Address)
		}
		if i.At("secret_data_wo_version") == nil { // that a write-only argument has changed is told by a version beside it
			j.add(RuleSecret, i.Address, "%s: secret_data_wo needs secret_data_wo_version, or it is never written again", i.Address)
		}
	case "google_service_account_key":
		j.add(RuleSecret, i.Address, "%s is a key of an account: nothing here needs one", i.Address)
	case "random_password":
		j.add(RuleSecret, i.Address, "%s would be in the state: make it ephemeral", i.Address)
	}
}

// tricks judges what runs beside the plan, where nobody sees it.
func (j *judge) tricks(i Instance) {
	if p, _, _ := strings.Cut(i.Type, "_"); p == "null" || p == "external" || p == "local" || i.Type == "terraform_data" {
		j.add(RuleTrick, i.Address, "%s runs something that is in no plan", i.Address)
	}
}

// alone are the kinds of conditions that Cloud Monitoring takes only as the one condition of a policy
// ("can only have a single condition"; documented for MQL and log-match conditions).
var alone = []string{"condition_prometheus_query_language", "condition_monitoring_query_language", "condition_matched_log", "condition_sql"}

// alerts judges how many conditions an alert policy has.
func (j *judge) alerts(i Instance) {
	if i.Type != "google_monitoring_alert_policy" {
		return
	}
	conditions := i.Blocks("conditions")
	if n := len(conditions); n < 1 || n > 6 {
		j.add(RuleRefused, i.Address, "%s has %d conditions: Cloud Monitoring takes 1 to 6", i.Address, n)
	}
	for _, condition := range conditions {
		for _, kind := range alone {
			if len(conditions) > 1 && len(condition.List(kind)) > 0 {
				j.add(RuleRefused, i.Address, "%s has a %s beside another condition: Cloud Monitoring takes it alone", i.Address, kind)
			}
		}
	}
}

// together judges instances of one resource that Google refuses to change at once.
func (j *judge) together(instances []Instance) {
	before := map[string]bool{}
	for _, i := range instances {
		why, ok := single[i.Type]
		if !ok {
			continue
		}
		address := i.Address
		if strings.HasSuffix(address, "]") {
			address = address[:strings.LastIndex(address, "[")]
		}
		if before[address] {
			j.add(RuleRefused, i.Address, "%s is made at once with others of its resource: %s", i.Address, why)
		}
		before[address] = true
	}
}
