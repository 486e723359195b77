package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/contexts"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/show"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// survey is what the commands share that ask all gateways.
type survey struct {
	operation
	tenant string
}

// command adds the flags of a command, and runs ask with the API.
func (q *survey) command(cmd *cobra.Command, token string, check func(args []string) error, ask func(context.Context, *client.API, []string) (client.Heard, error)) *cobra.Command {
	cmd.Long += accessHelp + exitHelp
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		q.service = contexts.API
		if q.tenant, err = q.tenantOr(q.tenant); err != nil {
			return err
		}
		if q.tenant == "" {
			return usage.Errorf("%s: --tenant is missing; see tidewire %[1]s --help", cmd.Name())
		}
		if err := realtime.CheckTenantID(q.tenant); err != nil {
			return usage.Errorf("--tenant: %w", err)
		}
		if err := check(args); err != nil {
			return err
		}
		return q.with(cmd.Context(), func(api *client.API) error {
			heard, err := ask(cmd.Context(), api, args)
			if err == nil && !heard.Complete {
				_, err = fmt.Fprintf(q.err, "not complete: no answer from %s\n", strings.Join(heard.Missing, ", "))
			}
			return err
		})
	}
	q.access.flags(cmd, "where the management API is", token)
	q.googleFlags(cmd)
	cmd.Flags().StringVar(&q.tenant, "tenant", "", "tenant (required, unless the context has one)")
	complete(cmd, "tenant", q.devTenants)
	return cmd
}

// newPresence is the command that says who is present on a channel.
func newPresence(s std) *cobra.Command {
	q := &survey{operation: operation{access: access{std: s}}}
	cmd := &cobra.Command{
		Use:   "presence --tenant TENANT CHANNEL",
		Short: "Show who is present on a channel, on all gateways",
		Long: "presence prints the members of a channel, one a line, with what they have entered.\n" +
			"To see who comes and goes, use: tidewire tail --state '$presence:CHANNEL'\n",
		Example: "  tidewire presence --tenant acme board:7",
		Args:    exactly(1, 1, "one CHANNEL"),
	}
	cmd.Flags().BoolVar(&q.json, "json", false, "print one JSON document")
	return q.command(cmd, "an operator's token, or one with a presence grant", func(args []string) error {
		if _, err := realtime.NewChannel("any", args[0]); err != nil {
			return usage.Errorf("CHANNEL: %w", err)
		}
		return nil
	}, func(ctx context.Context, api *client.API, args []string) (client.Heard, error) {
		p, err := api.Presence(ctx, q.tenant, args[0])
		if err != nil {
			return client.Heard{}, err
		}
		return p.Heard, show.Presence(s.out, p, q.json)
	})
}

// newChannels is the command that says which channels are read.
func newChannels(s std) *cobra.Command {
	q := &survey{operation: operation{access: access{std: s}}}
	var prefix string
	cmd := &cobra.Command{
		Use:   "channels --tenant TENANT [--prefix PREFIX]",
		Short: "Show which channels are read, and by how many, on all gateways",
		Long: "channels prints the channels of a tenant that somebody reads, one a line, with the\n" +
			"number of connections and of users.\n",
		Example: "  tidewire channels --tenant acme --prefix board:",
		Args:    exactly(0, 0, "no arguments"),
	}
	cmd.Flags().BoolVar(&q.json, "json", false, "print one JSON document a line, for each channel")
	cmd.Flags().StringVar(&prefix, "prefix", "", "only channels whose names begin with this")
	complete(cmd, "prefix", fixed())
	return q.command(cmd, "an operator's token, or one whose claim manage contains connections", func([]string) error { return nil }, func(ctx context.Context, api *client.API, _ []string) (client.Heard, error) {
		all, heard, err := api.Channels(ctx, q.tenant, prefix)
		if err != nil {
			return heard, err
		}
		for _, c := range all {
			if q.json {
				err = json.NewEncoder(s.out).Encode(c)
			} else {
				_, err = fmt.Fprintf(s.out, "%s connections=%d users=%d\n", c.Channel, c.Connections, c.Users)
			}
			if err != nil {
				return heard, err
			}
		}
		return heard, nil
	})
}

// newDemand is the command that says what somebody reads.
func newDemand(s std) *cobra.Command {
	q := &survey{operation: operation{access: access{std: s}}}
	cmd := &cobra.Command{
		Use:   "demand --tenant TENANT NAMESPACE",
		Short: "Show which channels of a namespace somebody reads, on all gateways",
		Long: "demand prints the channels that are read, one a line, with the number of\n" +
			"subscriptions, the fastest rate that they want and the keys that they track.\n" +
			"To see what changes, use: tidewire tail --state '$demand:NAMESPACE'\n",
		Example: "  tidewire demand --tenant acme sensors",
		Args:    exactly(1, 1, "one NAMESPACE"),
	}
	cmd.Flags().BoolVar(&q.json, "json", false, "print one JSON document a line, for each channel")
	return q.command(cmd, "an operator's token, or one with a demand grant", func(args []string) error {
		if _, err := realtime.NewReadable("any", tidewire.DemandChannel(args[0])); err != nil {
			return usage.Errorf("NAMESPACE: %w", err)
		}
		return nil
	}, func(ctx context.Context, api *client.API, args []string) (client.Heard, error) {
		all, heard, err := api.Demand(ctx, q.tenant, args[0])
		if err != nil {
			return heard, err
		}
		for i := range all {
			if err := show.Demand(s.out, &all[i], q.json); err != nil {
				return heard, err
			}
		}
		return heard, nil
	})
}
