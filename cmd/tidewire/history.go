package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/contexts"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/tail"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// past is what the command history has been asked.
type past struct {
	operation
	tenant, since, until string
	limit                int // 0 is all
	pretty               bool
	query                tidewire.HistoryQuery
}

// pageOfHistory is how many messages are asked for at once.
const pageOfHistory = realtime.MaxHistoryLimit

func newHistory(s std) *cobra.Command {
	h := &past{operation: operation{access: access{std: s}}}
	cmd := &cobra.Command{
		Use:   "history --tenant TENANT [--since WHEN] [--until WHEN] [--limit N] CHANNEL",
		Short: "Print what was published to a channel before",
		Long: "history prints messages of a channel, one a line, the oldest first: the newest, or with\n" +
			"--since those that follow that moment. WHEN is a duration, such as 2h for two hours\n" +
			"ago, a time such as 2026-01-02T15:04:05Z, or a position. It reads what the channel's\n" +
			"topic keeps, as far back as the namespace allows (docs/history.md), and takes some\n" +
			"seconds. With --json, each line is the server's message.\n\n" +
			"The token is an operator's, one whose claim manage contains history, or one that\n" +
			"grants the history of the channel.\n\n" +
			"If something is missing of what was asked for, or may be, it says so on standard\n" +
			"error.\n" + accessHelp + exitHelp,
		Example: "  tidewire history --tenant acme alerts:eu\n" +
			"  tidewire history --tenant acme --since 30m --filter \"tags.desk == 'eu'\" alerts:eu",
		Args: exactly(1, 1, "one CHANNEL"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			h.service = contexts.API
			if h.tenant, err = h.tenantOr(h.tenant); err != nil {
				return err
			}
			if err := h.check(args[0], time.Now()); err != nil {
				return err
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return h.with(ctx, func(api *client.API) error { return h.read(ctx, api, args[0]) })
		},
	}
	h.access.flags(cmd, "where the management API is", "token that may read the history")
	h.googleFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&h.tenant, "tenant", "", "tenant (required, unless the context has one)")
	f.StringVar(&h.since, "since", "", "messages of this moment and later, the first of them first")
	f.StringVar(&h.until, "until", "", "messages before this moment")
	f.IntVar(&h.limit, "limit", realtime.DefaultHistoryLimit, "print at most so many messages; 0 is all")
	f.StringVar(&h.query.Filter, "filter", "", "print messages for which this is true, such as \"tags.desk == 'eu'\"")
	f.StringSliceVar(&h.query.Fields, "fields", nil, "print these members of data only")
	f.BoolVar(&h.json, "json", false, "print the server's messages")
	f.BoolVar(&h.pretty, "pretty", false, "print data indented, over several lines")
	complete(cmd, "tenant", s.devTenants)
	for _, flag := range []string{"since", "until", "limit", "filter", "fields"} {
		complete(cmd, flag, fixed())
	}
	return cmd
}

// check reads what the flags say.
func (h *past) check(channel string, now time.Time) error {
	switch {
	case h.tenant == "":
		return usage.Errorf("history: --tenant is missing; see tidewire history --help")
	case h.json && h.pretty:
		return usage.Errorf("--pretty: must not be used together with --json")
	case h.limit < 0 || h.limit > realtime.MaxHistoryCount:
		return usage.Errorf("--limit: must be 0 to %d, got %d", realtime.MaxHistoryCount, h.limit)
	}
	if err := realtime.CheckTenantID(h.tenant); err != nil {
		return usage.Errorf("--tenant: %w", err)
	}
	if _, err := realtime.NewChannel(h.tenant, channel); err != nil {
		return usage.Errorf("CHANNEL: %w", err)
	}
	var err error
	if h.query.From, h.query.After, err = when("--since", h.since, now); err != nil {
		return err
	}
	if h.query.To, h.query.Before, err = when("--until", h.until, now); err != nil {
		return err
	}
	if at, _ := realtime.ParsePosition(h.query.Before); !at.IsZero() && h.since != "" {
		h.query.Before, h.query.To = "", time.UnixMilli(at.Time) // what is read forward is bounded by time alone
	}
	if err := h.query.Check(); err != nil {
		return usage.Errorf("--since and --until: %w", err)
	}
	return nil
}

// when reads a moment: how long ago, a time, or a position.
func when(flag, text string, now time.Time) (at time.Time, position string, err error) {
	if text == "" {
		return at, "", nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), "", nil
	}
	if at, err = time.Parse(time.RFC3339, text); err == nil && at.UnixMilli() > 0 {
		return at, "", nil
	}
	if p, err := realtime.ParsePosition(text); err == nil && !p.IsZero() && p.IsUsable() {
		return time.Time{}, text, nil
	}
	return time.Time{}, "", usage.Errorf("%s: must be a duration such as 2h, a time such as 2026-01-02T15:04:05Z or a position, got %.64q", flag, text)
}

// read prints the pages. What is read from its end has to be had as a whole before.
func (h *past) read(ctx context.Context, api *client.API, channel string) error {
	h.query.Limit = pageOfHistory
	var pages [][]*tidewire.Message
	left, more, complete := h.limit, false, true
	for h.limit == 0 || left > 0 {
		if h.limit > 0 {
			h.query.Limit = min(left, pageOfHistory)
		}
		page, err := api.History(ctx, h.tenant, channel, h.query)
		if err != nil {
			return err
		}
		left -= len(page.Messages)
		more, complete, h.query = page.More, complete && page.Complete, page.Next
		if h.since == "" {
			pages = append(pages, page.Messages)
		} else if err := h.print(page.Messages); err != nil {
			return err
		}
		if !more {
			break
		}
	}
	for _, messages := range slices.Backward(pages) {
		if err := h.print(messages); err != nil {
			return err
		}
	}
	return h.tell(complete, more)
}

func (h *past) print(messages []*tidewire.Message) error {
	var b strings.Builder
	for _, m := range messages {
		if h.json {
			b.Write(m.Frame)
		} else {
			b.WriteString(tail.Line(m, h.pretty))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(h.out, b.String())
	return err
}

// tell says what there is besides.
func (h *past) tell(complete, more bool) error {
	var err error
	switch {
	case !complete && h.since == "" && !more:
		_, err = fmt.Fprintln(h.err, "tidewire: this is all that is kept; what is older is gone")
	case !complete:
		_, err = fmt.Fprintln(h.err, "tidewire: something of it may be missing, because it is not kept any more")
	case more:
		_, err = fmt.Fprintln(h.err, "tidewire: there is more; see --limit")
	}
	return err
}
