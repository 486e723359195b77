package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// newPresence is the command that says who is present on a channel.
func newPresence(s std) *cobra.Command {
	from := access{std: s}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "presence CHANNEL",
		Short: "Show who is present on a channel, on all gateways",
		Long: "presence prints the members of a channel, one a line, with what they have entered.\n" +
			"To see who comes and goes, use: tidewire tail --state '$presence:CHANNEL'\n" + accessHelp + exitHelp,
		Example:           "  tidewire presence board:7",
		Args:              exactly(1, 1, "one CHANNEL"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := realtime.NewChannel("any", args[0]); err != nil {
				return usage.Errorf("CHANNEL: %w", err)
			}
			if err := from.resolve(cmd.Context()); err != nil {
				return err
			}
			return client.OverSocket(cmd.Context(), from.url, from.token, func(ctx context.Context, c *tidewire.Client) error {
				members, count, err := c.Presence(ctx, args[0])
				if err != nil {
					return err
				}
				return printPresence(s.out, members, count, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	from.flags(cmd, "where the gateway is", "token with a presence grant")
	return cmd
}

func printPresence(w io.Writer, members []realtime.Member, count int, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{"members": members, "count": count})
	}
	for _, m := range members {
		parts := []string{m.User}
		if m.Connection != "" {
			parts = append(parts, m.Connection)
		}
		if m.Data != nil {
			parts = append(parts, string(m.Data))
		}
		if _, err := fmt.Fprintln(w, strings.Join(parts, " ")); err != nil {
			return err
		}
	}
	if count == len(members) {
		return nil
	}
	_, err := fmt.Fprintf(w, "%d in all\n", count)
	return err
}

// newDemand is the command that says what somebody reads.
func newDemand(s std) *cobra.Command {
	from := access{std: s}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demand NAMESPACE",
		Short: "Show which channels of a namespace somebody reads, on all gateways",
		Long: "demand prints the channels that are read, one a line, with the number of\n" +
			"subscriptions, the fastest rate that they want and the keys that they track.\n" +
			"To see what changes, use: tidewire tail --state '$demand:NAMESPACE'\n" + accessHelp + exitHelp,
		Example:           "  tidewire demand sensors",
		Args:              exactly(1, 1, "one NAMESPACE"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := tidewire.DemandChannel(args[0])
			if _, err := realtime.NewReadable("any", name); err != nil {
				return usage.Errorf("NAMESPACE: %w", err)
			}
			if err := from.resolve(cmd.Context()); err != nil {
				return err
			}
			return client.OverSocket(cmd.Context(), from.url, from.token, func(ctx context.Context, c *tidewire.Client) error {
				view, err := c.View(name, tidewire.ViewOptions{})
				if err != nil {
					return err
				}
				defer view.Close()
				if err := untilReady(ctx, view); err != nil {
					return err
				}
				return printDemand(s.out, view, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document a line, for each channel")
	from.flags(cmd, "where the gateway is", "token with a demand grant")
	return cmd
}

// untilReady waits until a view is true, or has ended.
func untilReady(ctx context.Context, view *tidewire.KeyedView) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := view.Changes(ctx); err != nil {
				ended <- err
				return
			}
		}
	}()
	select {
	case <-view.Ready():
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	case err := <-ended:
		return err
	}
}

func printDemand(w io.Writer, view *tidewire.KeyedView, asJSON bool) error {
	for name, m := range view.All() {
		if asJSON {
			if _, err := fmt.Fprintf(w, "{\"channel\":%q,\"demand\":%s}\n", name, m.Data); err != nil {
				return err
			}
			continue
		}
		d, err := m.Demand()
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s watchers=%d users=%d since=%s", name, d.Watchers, d.Users, d.Since.UTC().Format(time.RFC3339))
		if d.MaxRate > 0 {
			line += fmt.Sprintf(" maxRate=%v", d.MaxRate)
		}
		if d.Keys != nil {
			line += fmt.Sprintf(" keys=%d", len(d.Keys))
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
