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

func newToken(s std) *cobra.Command {
	var tenant, user, file, operators, url string
	var groups, filters, columns, manage []string
	var operator bool
	granted := map[realtime.Action]*[]string{}
	for _, action := range realtime.Actions() {
		granted[action] = new([]string)
	}
	var ttl time.Duration
	cmd := &cobra.Command{
		Use: "token --tenant T --user U [--group G]... [--subscribe PATTERN]... [--publish PATTERN]... [--presence PATTERN]... [--enter PATTERN]...\n" +
			"  tidewire token --operators FILE --user U",
		Short: "Make a token",
		Long: "token prints a JWT, signed with the tenant's first key that can sign. Without\n" +
			"--tenants it uses the tenants of the dev server that runs on this machine. If\n" +
			"there are several, it uses the one at --url or TIDEWIRE_URL, or else the one\n" +
			"that started last and has the tenant.\n\n" +
			"A PATTERN is a channel name. The segment * matches any one segment, ** at the end\n" +
			"matches the rest, {user} and {group} are the token's own. A PART of the management\n" +
			"API is publish, state, connections, users, tokens or tenant. --operator makes a\n" +
			"token for the whole API of the dev server; --operators makes one for a deployment whose\n" +
			"TIDEWIRE_OPERATORS is in FILE, or on standard input for -.\n" + exitHelp,
		Example: "  tidewire token --tenant acme --user ann --group fx-desk --subscribe 'prices:*'\n" +
			"  gcloud secrets versions access latest --secret=tidewire-operators | tidewire token --operators - --user olga",
		Args: exactly(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			grants, err := parseGrants(granted)
			if err != nil {
				return err
			}
			if ttl <= 0 {
				return usage.Errorf("--ttl: must be positive, got %v", ttl)
			}
			if cmd.Flags().Changed("url") && url == "" {
				return usage.Errorf("--url: must not be empty; is a variable in the command not set?")
			}
			if url == "" {
				url = s.environment.url
			}
			parts, err := parseManage(manage)
			if err != nil {
				return err
			}
			views, err := parseViews(filters, columns)
			if err != nil {
				return err
			}
			var signer *auth.Signer
			if operator || operators != "" {
				signer, err = s.operatorSigner(cmd.Context(), tenant, file, operators, url)
			} else {
				signer, err = s.signer(cmd.Context(), tenant, file, url)
			}
			if err != nil {
				return err
			}
			now := time.Now()
			token, err := signer.Sign(auth.Claims{User: user, Groups: groups, Grants: grants, Views: views, Manage: parts, Issued: now, Expires: now.Add(ttl)})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.out, token)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&tenant, "tenant", "", "tenant (required)")
	f.StringVar(&user, "user", "", "user (required)")
	f.StringArrayVar(&groups, "group", nil, "a group of the user; may be repeated")
	for _, action := range realtime.Actions() {
		f.StringArrayVar(granted[action], string(action), nil, "pattern of channels "+grantHelp(action)+"; may be repeated")
	}
	f.StringArrayVar(&filters, "filter", nil, "PATTERN=FILTER that events of these channels must pass to be shown; may be repeated")
	f.StringArrayVar(&columns, "columns", nil, "PATTERN=NAME,...: the members of data of these channels that are shown; may be repeated")
	f.StringArrayVar(&manage, "manage", nil, "part of the management API it may use; may be repeated")
	f.BoolVar(&operator, "operator", false, "an operator's token for dev, which belongs to no tenant")
	f.StringVar(&operators, "operators", "", "an operator's token for a deployment: file of its TIDEWIRE_OPERATORS, or -")
	f.DurationVar(&ttl, "ttl", time.Hour, "how long it is valid")
	f.StringVar(&file, "tenants", "", "file of tenant documents")
	f.StringVar(&url, "url", "", "which dev server the token is for, if there are several (default: TIDEWIRE_URL)")
	complete(cmd, "tenant", s.devTenants)
	complete(cmd, "manage", fixed(parts()...))
	complete(cmd, "url", s.devURLs)
	required(cmd, "tenant", "user")
	needsBoth := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if operator || operators != "" { // of no tenant
			if user == "" {
				return usage.Errorf("token: --user is missing; see tidewire token --help")
			}
			return nil
		}
		return needsBoth(cmd, args)
	}
	return cmd
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
			return nil, usage.Errorf("--manage: must be publish, state, connections, users, tokens or tenant, got %q", p)
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
