package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
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
	RuleTrick      Rule = "trick"      // what goes by Terraform's plan
	RuleRefused    Rule = "refused"    // what Google's APIs refuse at the apply, whatever the schema says
)

// Exempt is who may do what nobody else may. Each is named.
type Exempt struct {
	Public   []string // services that everybody may call, by name
	Accounts []string // accounts that are made elsewhere, by address
	Granters []string // custom roles that may grant, by address
	Admins   []string // members that may have a role of whoever administers something, by address without key
}

// Policy judges what a plan would hold.
func Policy(instances []Instance, exempt Exempt) []Problem {
	j := &judge{exempt: exempt, accounts: map[string]string{}}
	for _, i := range instances {
		j.access(i)
		j.program(i)
		j.stores(i)
		j.secrets(i)
		j.tricks(i)
		j.alerts(i)
	}
	j.together(instances)
	return j.sorted()
}

type judge struct {
	problems
	exempt   Exempt
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
	case i.Kind != "resource":
		return
	case strings.HasSuffix(i.Type, "_iam_binding"), strings.HasSuffix(i.Type, "_iam_policy"):
		j.add(RuleRole, i.Where, "%s takes the role from everybody else: use an _iam_member", i.Address)
	case i.Type == "google_project_iam_custom_role":
		j.permissions(i)
	case i.Type == "google_cloud_run_v2_service" && i.Is("invoker_iam_disabled"):
		if name, _ := i.Text("name"); !slices.Contains(j.exempt.Public, name) {
			j.add(RulePublic, i.Where, "%s asks IAM of nobody", i.Address)
		}
	}
	if !strings.HasSuffix(i.Type, "_iam_member") {
		return
	}
	role, known := i.Text("role")
	if !known {
		j.add(RuleRole, i.Where, "%s: nobody can tell which role this is", i.Address)
	} else if name, predefined := strings.CutPrefix(role, "roles/"); predefined && !slices.Contains(roles, name) {
		j.add(RuleRefused, i.Where, "%s grants %s: it does not exist, or is not in terraform/check/permissions.go", i.Address, role)
	} else if plain, _, _ := strings.Cut(i.Address, "["); slices.Contains(basic, role) || powerful.MatchString(role) && !slices.Contains(j.exempt.Admins, plain) {
		j.add(RuleRole, i.Where, "%s grants %s", i.Address, role)
	}
	if condition, _ := i.Text("condition", "expression"); granting.MatchString(role) && !strings.Contains(condition, "modifiedGrantsByRole") {
		j.add(RuleRole, i.Where, "%s grants %s, with which every other role can be had", i.Address, role)
	}
	member, known := i.Text("member")
	if !known {
		j.add(RuleRole, i.Where, "%s: nobody can tell whom this is for", i.Address)
	} else if member == "allUsers" || member == "allAuthenticatedUsers" {
		name, _ := i.Text("name")
		if i.Type != "google_cloud_run_v2_service_iam_member" || role != "roles/run.invoker" || !slices.Contains(j.exempt.Public, name) {
			j.add(RulePublic, i.Where, "%s grants %s to %s", i.Address, role, member)
		}
	}
}

func (j *judge) permissions(i Instance) {
	permissions := i.At("permissions")
	if permissions == cty.NilVal || !permissions.IsWhollyKnown() || permissions.IsNull() {
		j.add(RuleRole, i.Where, "%s: nobody can tell which permissions it has", i.Address)
		return
	}
	for it := permissions.ElementIterator(); it.Next(); {
		_, p := it.Element()
		grants := strings.HasSuffix(p.AsString(), "setIamPolicy") && !slices.Contains(j.exempt.Granters, i.Address)
		if strings.Contains(p.AsString(), "*") || grants {
			j.add(RuleRole, i.Where, "%s has the permission %s", i.Address, p.AsString())
		} else if why := refusedPermission(p.AsString()); why != "" {
			j.add(RuleRefused, i.Where, "%s has the permission %s, which %s", i.Address, p.AsString(), why)
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
			j.add(RuleImage, i.Where, "%s: the image %q is not given by its digest", i.Address, image)
		}
		if !i.Is("deletion_protection") {
			j.add(RuleProtection, i.Where, "%s is not protected from deletion", i.Address)
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
		j.add(RuleAccount, i.Where, "%s has no account: it would be the project's default one, which may do everything", i.Address)
	case !strings.Contains(account, "google_service_account.") && !slices.Contains(j.exempt.Accounts, account):
		j.add(RuleAccount, i.Where, "%s has the account %s, which is not made here", i.Address, account)
	case taken:
		j.add(RuleAccount, i.Where, "%s has the account of %s", i.Address, other)
	default:
		j.accounts[account] = i.Address
	}
}

// allow finds what rules of Firestore allow, and on which condition.
var allow = regexp.MustCompile(`(?m)^\s*allow [^:;]*:?([^;]*);`)

// stores judges what keeps data.
func (j *judge) stores(i Instance) {
	if i.Kind != "resource" {
		return
	}
	switch i.Type {
	case "google_storage_bucket":
		if prevention, _ := i.Text("public_access_prevention"); prevention != "enforced" {
			j.add(RuleBucket, i.Where, "%s does not prevent public access", i.Address)
		}
		if !i.Is("uniform_bucket_level_access") {
			j.add(RuleBucket, i.Where, "%s has access lists on its objects", i.Address)
		}
		if i.Is("force_destroy") {
			j.add(RuleProtection, i.Where, "%s is deleted with what is in it", i.Address)
		}
	case "google_firebaserules_ruleset":
		content, _ := i.Text("source", "files", "content")
		allows := allow.FindAllStringSubmatch(content, -1)
		if len(allows) == 0 {
			j.add(RulePublic, i.Where, "%s: nobody can tell what these rules allow", i.Address)
		}
		for _, a := range allows {
			if strings.TrimSpace(a[1]) != "if false" {
				j.add(RulePublic, i.Where, "%s lets clients at documents: %s", i.Address, strings.TrimSpace(a[0]))
			}
		}
	case "google_firestore_database":
		if state, _ := i.Text("delete_protection_state"); state != "DELETE_PROTECTION_ENABLED" {
			j.add(RuleProtection, i.Where, "%s is not protected from deletion", i.Address)
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
			j.add(RuleSecret, i.Where, "%s has %s as plain text: read it from Secret Manager", i.Address, name)
		}
	}
	switch {
	case i.Type == "google_secret_manager_secret_version" && i.Kind == "resource":
		if data := i.At("secret_data"); data != cty.NilVal && (!data.IsKnown() || !data.IsNull()) {
			j.add(RuleSecret, i.Where, "%s: secret_data would be in the state: use secret_data_wo", i.Address)
		}
	case i.Type == "google_service_account_key":
		j.add(RuleSecret, i.Where, "%s is a key of an account: nothing here needs one", i.Address)
	case i.Type == "random_password" && i.Kind != "ephemeral":
		j.add(RuleSecret, i.Where, "%s would be in the state: make it ephemeral", i.Address)
	}
}

// tricks judges what runs beside the plan, where nobody sees it.
func (j *judge) tricks(i Instance) {
	if p := provider(i.Type); p == "null" || p == "external" || p == "local" || i.Type == "terraform_data" {
		j.add(RuleTrick, i.Where, "%s runs something that is in no plan", i.Address)
	}
}

// alone are the kinds of conditions that Cloud Monitoring takes only as the one condition of a policy
// ("can only have a single condition"; documented for MQL and log-match conditions).
var alone = []string{"condition_prometheus_query_language", "condition_monitoring_query_language", "condition_matched_log", "condition_sql"}

// alerts judges how many conditions an alert policy has.
func (j *judge) alerts(i Instance) {
	conditions := i.At()
	if i.Type != "google_monitoring_alert_policy" || !conditions.Type().HasAttribute("conditions") {
		return
	}
	all := conditions.GetAttr("conditions")
	if !all.IsKnown() || all.IsNull() || !all.CanIterateElements() {
		j.add(RuleRefused, i.Where, "%s: nobody can tell which conditions it has", i.Address)
		return
	}
	if n := all.LengthInt(); n < 1 || n > 6 {
		j.add(RuleRefused, i.Where, "%s has %d conditions: Cloud Monitoring takes 1 to 6", i.Address, n)
	}
	if all.LengthInt() < 2 {
		return
	}
	for it := all.ElementIterator(); it.Next(); {
		_, block := it.Element()
		for _, kind := range alone {
			if first(Instance{Values: block}.At(kind)) != cty.NilVal {
				j.add(RuleRefused, i.Where, "%s has a %s beside another condition: Cloud Monitoring takes it alone", i.Address, kind)
				return
			}
		}
	}
}

// together judges instances of one resource that Google refuses to change at once.
func (j *judge) together(instances []Instance) {
	before := map[string]bool{}
	for _, i := range instances {
		why, ok := single[i.Type]
		if !ok || i.Kind != "resource" {
			continue
		}
		address := i.Address
		if strings.HasSuffix(address, "]") {
			address = address[:strings.LastIndex(address, "[")]
		}
		if before[address] {
			j.add(RuleRefused, i.Where, "%s is made at once with others of its resource: %s", i.Address, why)
		}
		before[address] = true
	}
}
