package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

func newToken(s std) *cobra.Command {
	var tenant, user, file string
	var groups, subscribe, publish, presence []string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "token --tenant T --user U [--group G]... [--subscribe PATTERN]... [--publish PATTERN]... [--presence PATTERN]...",
		Short: "Make a token",
		Long: "token prints a JWT, signed with the tenant's first key that can sign. Without\n" +
			"--tenants it uses the tenants of the dev that was started last.\n\n" +
			"A PATTERN is a channel name; the segment * stands for any one, ** at the end\n" +
			"for the rest, {user} and {group} for the token's own.\n" + exitHelp,
		Example: "  tidewire token --tenant acme --user ann --group fx-desk --subscribe 'prices:*'",
		Args:    exactly(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			grants, err := parseGrants(subscribe, publish, presence)
			if err != nil {
				return err
			}
			if ttl <= 0 {
				return usagef("--ttl: %v; it must be more than nothing", ttl)
			}
			signer, err := s.signer(cmd.Context(), tenant, file)
			if err != nil {
				return err
			}
			now := time.Now()
			token, err := signer.Sign(auth.Claims{User: user, Groups: groups, Grants: grants, Issued: now, Expires: now.Add(ttl)})
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
	f.StringArrayVar(&subscribe, "subscribe", nil, "pattern of channels it may read; may be repeated")
	f.StringArrayVar(&publish, "publish", nil, "pattern of channels it may publish to; may be repeated")
	f.StringArrayVar(&presence, "presence", nil, "pattern of channels whose presence it may see; may be repeated")
	f.DurationVar(&ttl, "ttl", time.Hour, "how long it is good")
	f.StringVar(&file, "tenants", "", "file of tenant documents")
	required(cmd, "tenant", "user")
	return cmd
}

// signer returns what signs for a tenant of a file, or else of the dev that was started last.
func (s std) signer(ctx context.Context, tenant, file string) (*auth.Signer, error) {
	kept, err := findState(s.state)
	if err != nil {
		return nil, err
	}
	var tenants *memory.Tenants
	if file != "" {
		tenants, err = loadTenants(kept, file, false)
	} else {
		tenants, err = tenantsOfRunning(kept)
	}
	if err != nil {
		return nil, err
	}
	t, err := tenants.Tenant(ctx, tenant)
	if err != nil {
		return nil, usagef("--tenant: there is no %q; there is %s", tenant, strings.Join(tenants.IDs(), ", "))
	}
	signer, err := auth.NewSigner(t)
	if err != nil {
		return nil, usagef("--tenant: %w", err)
	}
	return signer, nil
}

func parseGrants(subscribe, publish, presence []string) (realtime.Grants, error) {
	var g realtime.Grants
	for _, part := range []struct {
		flag string
		from []string
		to   *[]realtime.Pattern
	}{{"subscribe", subscribe, &g.Subscribe}, {"publish", publish, &g.Publish}, {"presence", presence, &g.Presence}} {
		for _, pattern := range part.from {
			if err := realtime.CheckPattern(pattern); err != nil {
				return g, usagef("--%s: %w", part.flag, err)
			}
			*part.to = append(*part.to, realtime.Pattern(pattern))
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
				return usagef("%s: --%s is missing; see %s --help", cmd.Name(), name, cmd.CommandPath())
			}
		}
		return nil
	}
}
