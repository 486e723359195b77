package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// tokenCommand is one call of tidewire token.
type tokenCommand struct {
	std
	tenant, user, file, operators, url string
	groups, filters, columns, manage   []string
	operator                           bool
	role                               string
	granted                            map[realtime.Action]*[]string
	ttl                                time.Duration
}

func newToken(s std) *cobra.Command {
	t := &tokenCommand{std: s, granted: map[realtime.Action]*[]string{}}
	for _, action := range realtime.Actions() {
		t.granted[action] = new([]string)
	}
	cmd := &cobra.Command{
		Use: "token --tenant T --user U [--group G]... [--subscribe PATTERN]... [--publish PATTERN]... [--presence PATTERN]... [--enter PATTERN]...\n" +
			"  tidewire token --operators FILE --user U",
		Short: "Make a token",
		Long: "token prints a JWT, signed with the tenant's first key that can sign. Without\n" +
			"--tenants it uses the tenants of the dev server that runs on this machine. If\n" +
			"there are several, it uses the one at --url or TIDEWIRE_URL, or else the one\n" +
			"that started last and has the tenant.\n\n" +
			"A PATTERN is a channel name. The segment * matches any one segment, ** at the end\n" +
			"matches the rest, {user} and {group} are the token's own. The PARTs of the management\n" +
			"API are " + httpapi.NameParts("and") + ".\n\n" +
			"--operator makes a token for the whole API of the dev server; --operators makes one for\n" +
			"a deployment whose TIDEWIRE_OPERATORS is in FILE, or on standard input for -. With\n" +
			"--role viewer or support, it may only read, or also close connections and log users\n" +
			"out.\n" + exitHelp,
		Example: "  tidewire token --tenant acme --user ann --group fx-desk --subscribe 'prices:*'\n" +
			"  gcloud secrets versions access latest --secret=tidewire-operators | tidewire token --operators - --user olga",
		Args: exactly(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return t.run(cmd) },
	}
	t.flags(cmd)
	required(cmd, "tenant", "user")
	needsBoth := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if t.operator || t.operators != "" { // of no tenant
			if t.user == "" {
				return usage.Errorf("token: --user is missing; see tidewire token --help")
			}
			return nil
		}
		return needsBoth(cmd, args)
	}
	return cmd
}

func (t *tokenCommand) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.tenant, "tenant", "", "tenant (required)")
	f.StringVar(&t.user, "user", "", "user (required)")
	f.StringArrayVar(&t.groups, "group", nil, "a group of the user; may be repeated")
	for _, action := range realtime.Actions() {
		f.StringArrayVar(t.granted[action], string(action), nil, "pattern of channels "+grantHelp(action)+"; may be repeated")
	}
	f.StringArrayVar(&t.filters, "filter", nil, "PATTERN=FILTER that events of these channels must pass to be shown; may be repeated")
	f.StringArrayVar(&t.columns, "columns", nil, "PATTERN=NAME,...: the members of data of these channels that are shown; may be repeated")
	f.StringArrayVar(&t.manage, "manage", nil, "part of the management API it may use; may be repeated")
	f.BoolVar(&t.operator, "operator", false, "an operator's token for dev, which belongs to no tenant")
	f.StringVar(&t.role, "role", "", "what an operator may do: viewer, support or admin (default admin)")
	f.StringVar(&t.operators, "operators", "", "an operator's token for a deployment: file of its TIDEWIRE_OPERATORS, or -")
	f.DurationVar(&t.ttl, "ttl", time.Hour, "how long it is valid")
	f.StringVar(&t.file, "tenants", "", "file of tenant documents")
	f.StringVar(&t.url, "url", "", "which dev server the token is for, if there are several (default: TIDEWIRE_URL)")
	complete(cmd, "tenant", t.devTenants)
	complete(cmd, "manage", fixed(parts()...))
	complete(cmd, "url", t.devURLs)
	complete(cmd, "role", fixed(string(realtime.RoleViewer), string(realtime.RoleSupport), string(realtime.RoleAdmin)))
}

func (t *tokenCommand) run(cmd *cobra.Command) error {
	grants, err := parseGrants(t.granted)
	if err != nil {
		return err
	}
	if t.ttl <= 0 {
		return usage.Errorf("--ttl: must be positive, got %v", t.ttl)
	}
	if cmd.Flags().Changed("url") && t.url == "" {
		return usage.Errorf("--url: must not be empty; is a variable in the command not set?")
	}
	if t.url == "" {
		t.url = t.environment.url
	}
	if t.role != "" && !slices.Contains(realtime.Roles(), realtime.Role(t.role)) {
		return usage.Errorf("--role: must be viewer, support or admin, got %q", t.role)
	}
	if t.role != "" && !t.operator && t.operators == "" {
		return usage.Errorf("--role: is of operators; use --operator or --operators with it")
	}
	parts, err := parseManage(t.manage)
	if err != nil {
		return err
	}
	views, err := parseViews(t.filters, t.columns)
	if err != nil {
		return err
	}
	var signer *auth.Signer
	if t.operator || t.operators != "" {
		signer, err = t.operatorSigner(cmd.Context(), t.tenant, t.file, t.operators, t.url)
	} else {
		signer, err = t.signer(cmd.Context(), t.tenant, t.file, t.url)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	token, err := signer.Sign(auth.Claims{User: t.user, Groups: t.groups, Grants: grants, Views: views, Manage: parts, Role: realtime.Role(t.role), Issued: now, Expires: now.Add(t.ttl)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, token)
	return err
}

// parseViews reads what --filter and --columns say.
func parseViews(filters, columns []string) (v realtime.Views, err error) {
	for flag, given := range map[string][]string{"--filter": filters, "--columns": columns} {
		for _, text := range given {
			pattern, value, found := strings.Cut(text, "=")
			if !found || realtime.CheckPattern(pattern) != nil {
				return v, usage.Errorf("%s: must be PATTERN=..., got %q", flag, text)
			}
			into, values := &v.Filters, []string{value}
			if flag == "--columns" {
				into, values = &v.Columns, strings.Split(value, ",")
			}
			if *into == nil {
				*into = map[realtime.Pattern][]string{}
			}
			(*into)[realtime.Pattern(pattern)] = append((*into)[realtime.Pattern(pattern)], values...)
		}
	}
	return v, nil
}

func parseManage(parts []string) ([]realtime.Manage, error) {
	var all []realtime.Manage
	for _, p := range parts {
		if !slices.Contains(httpapi.Parts(), realtime.Manage(p)) {
			return nil, usage.Errorf("--manage: must be %s, got %q", httpapi.NameParts("or"), p)
		}
		all = append(all, realtime.Manage(p))
	}
	return all, nil
}

// grantHelp says what a grant of an action allows.
func grantHelp(a realtime.Action) string {
	switch a {
	case realtime.ActionSubscribe:
		return "it may read"
	case realtime.ActionPublish:
		return "it may publish to"
	case realtime.ActionPresence:
		return "whose presence it may see"
	case realtime.ActionDemand:
		return "of which it may see who reads them, for producers"
	case realtime.ActionEnter:
		return "it may be seen on with data of its own"
	}
	return "it may use for " + string(a)
}

func parseGrants(granted map[realtime.Action]*[]string) (realtime.Grants, error) {
	var g realtime.Grants
	for action, patterns := range granted {
		for _, pattern := range *patterns {
			if err := realtime.CheckPattern(pattern); err != nil {
				return g, usage.Errorf("--%s: %w", action, err)
			}
			*g.Of(action) = append(*g.Of(action), realtime.Pattern(pattern))
		}
	}
	return g, nil
}

// required marks flags that have no default. Cobra's own error for a missing
// one does not pass the function for flag errors.
func required(cmd *cobra.Command, flags ...string) {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		for _, name := range flags {
			if cmd.Flag(name).Value.String() == "" {
				return usage.Errorf("%s: --%s is missing; see %s --help", cmd.Name(), name, cmd.CommandPath())
			}
		}
		return nil
	}
}
