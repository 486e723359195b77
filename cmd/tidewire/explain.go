package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/show"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// newExplain is the command that says why an event does not arrive.
func newExplain(s std) *cobra.Command {
	q := &survey{operation: operation{access: access{std: s}}}
	var event client.Question
	var tags []string
	var file string
	cmd := &cobra.Command{
		Use:   "explain --tenant TENANT [--user USER] CHANNEL [DATA]",
		Short: "Show who would be sent an event, who would not, and why",
		Long: "explain prints what would become of an event that is published to CHANNEL now, for\n" +
			"each subscription, on all gateways. Nothing is published. DATA has the same form as\n" +
			"for publish, and matters where filters look at it.\n\n" +
			"With --user it covers all connections of a user, also those that do not read\n" +
			"CHANNEL. With --for-token-file it also says what the owner of that token would be\n" +
			"told when connecting, subscribing and publishing.\n",
		Example: "  tidewire explain --tenant acme --user ann fleet:eu\n" +
			"  tidewire explain --tenant acme --key v7 --tag region=us fleet:eu '{\"speed\":80}'",
		Args: exactly(1, 2, "CHANNEL and DATA"),
	}
	f := cmd.Flags()
	f.BoolVar(&q.json, "json", false, "print one JSON document")
	f.StringVar(&event.User, "user", "", "user whose connections are covered; without it, whoever reads CHANNEL")
	f.StringVar(&event.Key, "key", "", "key of the event")
	f.StringArrayVar(&tags, "tag", nil, "k=v; may be repeated")
	f.BoolVar(&event.Delete, "delete", false, "the event removes --key")
	f.StringVar(&event.EventType, "event-type", "", "kind of event")
	f.StringVar(&event.Source, "source", "", "what the event comes from")
	f.StringVar(&file, "for-token-file", "", "file with a token whose owner is asked about")
	f.IntVar(&event.Limit, "limit", 0, "number of subscriptions at most, 1 to 1000 (default 100)")
	for _, flag := range []string{"user", "key", "tag", "event-type", "source", "limit"} {
		complete(cmd, flag, fixed())
	}
	return q.command(cmd, "an operator's token, or one whose claim manage contains explain", func(args []string) (err error) {
		if event.Channel = args[0]; event.Limit < 0 || event.Limit > 1000 {
			return usage.Errorf("--limit: must be 1 to 1000, got %d", event.Limit)
		}
		if _, err := realtime.NewChannel("any", event.Channel); err != nil {
			return usage.Errorf("CHANNEL: %w", err)
		}
		if event.Tags, err = parseTags(tags); err != nil {
			return err
		}
		if len(args) == 2 {
			if event.Data, err = dataOf(args[1], false); err != nil {
				return err
			}
		}
		event.Token, err = q.secret("for-token", "", file, "")
		return err
	}, func(ctx context.Context, api *client.API, _ []string) (client.Heard, error) {
		e, err := api.Explain(ctx, q.tenant, &event)
		if err != nil {
			return client.Heard{}, err
		}
		if q.json {
			return e.Heard, json.NewEncoder(s.out).Encode(e)
		}
		return e.Heard, show.Explained(s.out, &event, e)
	})
}
