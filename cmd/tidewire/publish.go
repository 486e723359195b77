package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/api"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/contexts"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

func newPublish(s std) *cobra.Command {
	p := &publishing{std: s, at: access{std: s}}
	cmd := &cobra.Command{
		Use:   "publish --tenant T --channel C [--key K] [--tag k=v]... [DATA | - | --delete]",
		Short: "Publish events",
		Long: "publish sends DATA as one event: a JSON value, or words that do not look like one,\n" +
			"which are sent as a string. DATA that begins like JSON but is not valid is\n" +
			"refused; with --text it is always sent as a string.\n\n" +
			"With -, or without DATA from a pipe, it reads NDJSON, one event per line:\n" +
			`{"channel":"...","key":"...","tags":{},"id":"...","data":...}, also with` + "\n" +
			"eventType, source, contentType and ttl, or with \"delete\":true instead of data. The\n" +
			"flags set what a line leaves out. Every event has an id, so that a request that is sent\n" +
			"again publishes nothing twice. The command ends at the first event that the\n" +
			"server refuses; the lines before it are published.\n\n" +
			"--delete removes --key and sends no DATA. --ttl limits how long DATA is valid as\n" +
			"the value of --key. --transient refuses DATA where it would be kept: only readers of\n" +
			"a transient state are sent it.\n\n" +
			"It sends to the ingest endpoint. With --socket it sends DATA over a socket, as a\n" +
			"page does. This also works with a gateway that has no ingest endpoint.\n\n" + ifHelp + accessHelp + exitHelp + "\n6: what --if needs does not hold.",
		Example: "  tidewire publish --tenant acme --channel prices:fx --key EURUSD '{\"bid\":1.08}'\n" +
			"  tidewire publish --tenant acme - <events.ndjson",
		Args:              exactly(0, 1, "one DATA or -"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd, args); err != nil {
				return err
			}
			return p.run(cmd, args)
		},
	}
	p.flags(cmd)
	return cmd
}

func (p *publishing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	p.at.flags(cmd, "where the gateway or the ingest function is", "token that may publish")
	f.StringVar(&p.tenant, "tenant", "", "tenant (required without --socket, unless the context has one; with it, the token's)")
	f.StringVar(&p.standard.Channel, "channel", "", "channel (required with DATA)")
	f.StringVar(&p.standard.Key, "key", "", "what the event replaces, such as a symbol")
	f.StringArrayVar(&p.tags, "tag", nil, "k=v; may be repeated")
	f.DurationVar(&p.ttl, "ttl", 0, "how long DATA is valid as the value of --key, such as 30s")
	f.BoolVar(&p.standard.Delete, "delete", false, "remove --key")
	f.StringVar(&p.standard.EventType, "event-type", "", "kind of event, such as com.example.quote")
	f.BoolVar(&p.standard.Transient, "transient", false, "refuse DATA where it would be kept; with --socket, --key '$connection' is the connection's own")
	f.StringVar(&p.standard.Source, "source", "", "what the event comes from")
	f.BoolVar(&p.text, "text", false, "send DATA as a string, whatever it looks like")
	f.BoolVar(&p.socket, "socket", false, "send DATA over a socket instead of to the ingest endpoint")
	f.StringVar(&p.asked, "if", "", "publish only if --key is absent or present, or its value is from this position (with --socket)")
	f.BoolVar(&p.json, "json", false, "print the server's answers")
	complete(cmd, "tenant", p.devTenants)
	complete(cmd, "if", fixed("absent", "present"))
}

// check refuses what the flags and arguments cannot mean together, and fills in what they say of every event.
func (p *publishing) check(cmd *cobra.Command, args []string) (err error) {
	if p.standard.Tags, err = parseTags(p.tags); err != nil {
		return err
	}
	if err = checkTTL(p.ttl); err != nil {
		return err
	}
	p.standard.TTL = realtime.Duration(p.ttl)
	if cmd.Flags().Changed("if") {
		parsed, err := parseIf(p.asked)
		if err != nil {
			return err
		}
		p.condition = &parsed
	}
	if err = p.checkIf(p.socket); err != nil {
		return err
	}
	if p.standard.Delete && (len(args) > 0 || p.text || p.ttl != 0) {
		return usage.Errorf("--delete: takes neither DATA nor --text nor --ttl")
	}
	if p.socket && p.reads(args) {
		return usage.Errorf("--socket: takes one DATA; events from standard input go to the ingest endpoint")
	}
	if f, ok := p.in.(*os.File); ok && !p.standard.Delete && len(args) == 0 && (p.text || term.IsTerminal(int(f.Fd()))) {
		return usage.Errorf("publish: DATA is missing; - reads events from standard input")
	}
	return nil
}

// reads reports whether events come from standard input.
func (p *publishing) reads(args []string) bool {
	return !p.standard.Delete && (len(args) == 0 || args[0] == "-" && !p.text)
}

func (p *publishing) run(cmd *cobra.Command, args []string) (err error) {
	lines := p.reads(args)
	var one event
	if !lines {
		if one, err = p.event(args, p.text); err != nil {
			return err
		}
	}
	if p.at.stdin = lines; !p.socket {
		p.at.service = contexts.Ingest
	}
	if err := p.at.resolve(cmd.Context()); err != nil {
		return err
	}
	if p.socket {
		return p.overSocket(cmd.Context(), p.at, one)
	}
	if p.tenant, err = p.at.tenantOr(p.tenant); err != nil {
		return err
	}
	if p.tenant == "" {
		return usage.Errorf("publish: --tenant is missing; see tidewire publish --help")
	}
	if p.to, err = client.NewIngest(p.at.url, p.tenant, p.at.token); err != nil {
		return err
	}
	defer p.to.Close()
	if !lines {
		return p.finish(p.send(cmd.Context(), []event{one}))
	}
	if err = p.lines(cmd.Context()); err == nil && p.accepted == 0 && len(args) == 0 {
		return usage.Errorf("publish: DATA is missing, and standard input is empty")
	}
	return p.finish(err)
}

func parseTags(tags []string) (map[string]string, error) {
	var m map[string]string
	for _, tag := range tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" {
			return nil, usage.Errorf("--tag: must be k=v, got %q", tag)
		}
		if m == nil {
			m = map[string]string{}
		}
		m[k] = v
	}
	return m, nil
}

// publishing is one call of the command.
type publishing struct {
	std
	at     access // where it sends to, and with which token
	tenant string
	tags   []string
	ttl    time.Duration
	asked  string // --if
	text   bool
	socket bool

	to        *api.Ingest
	standard  tidewire.Event      // stands in for what an event leaves out
	condition *tidewire.Condition // of --if; nil is none
	json      bool
	accepted  int
}

// event is the one event of a command line, of which args are DATA or nothing.
func (p *publishing) event(args []string, text bool) (event, error) {
	e := event{Event: p.standard}
	if e.Channel == "" {
		return e, usage.Errorf("publish: --channel is missing; see tidewire publish --help")
	}
	if e.Delete && e.Key == "" {
		return e, usage.Errorf("--delete: needs --key")
	}
	if e.TTL != 0 && e.Key == "" {
		return e, usage.Errorf("--ttl: needs --key")
	}
	if len(args) == 0 {
		return e, nil
	}
	var err error
	e.Data, err = dataOf(args[0], text)
	return e, err
}

// overSocket publishes one event as a page does.
func (p *publishing) overSocket(ctx context.Context, to access, e event) error {
	if p.condition != nil {
		return p.publishIf(ctx, to, e)
	}
	var id string
	err := client.OverSocket(ctx, to.url, to.token, func(ctx context.Context, c *tidewire.Client) (err error) {
		id, err = c.Publish(ctx, e.Event)
		return err
	})
	if err != nil {
		return err
	}
	p.accepted = 1
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]string{"id": id})
	}
	return p.finish(nil)
}

// send publishes a batch, in order.
func (p *publishing) send(ctx context.Context, batch []event) error {
	if len(batch) == 0 {
		return nil
	}
	events := make([]tidewire.Event, len(batch))
	for i := range batch {
		events[i] = batch[i].Event
	}
	answer, err := p.to.Publish(ctx, events)
	if err != nil {
		return explain(err, batch)
	}
	p.accepted += len(batch)
	if p.json {
		_, err = fmt.Fprintln(p.out, string(bytes.TrimSpace(answer)))
	}
	return err
}

// explain says which lines a refused batch is about.
func explain(err error, batch []event) error {
	first, last := batch[0].line, batch[len(batch)-1].line
	var r *client.Refusal
	switch parts := errors.As(err, &r) && len(r.Parts) > 0; {
	case parts && first == 0: // the one event of the command line
		named := *r.Why
		named.Message = r.Parts[0].Detail
		return &named
	case first == 0:
		return err
	case !parts:
		return fmt.Errorf("lines %d to %d: %w", first, last, err)
	}
	named := *r.Why
	for n, part := range r.Parts {
		if n == 10 {
			named.Message += fmt.Sprintf("\nand %d more", len(r.Parts)-n)
			break
		}
		if part.Index < len(batch) {
			named.Message += fmt.Sprintf("\nline %d: %s", batch[part.Index].line, part.Detail)
		}
	}
	return &named
}

// finish says how much was published.
func (p *publishing) finish(err error) error {
	if err != nil && p.accepted > 0 {
		return fmt.Errorf("%w\npublished %d before", err, p.accepted)
	}
	if err != nil || p.json {
		return err
	}
	_, err = fmt.Fprintf(p.out, "published %d\n", p.accepted)
	return err
}

// fault is what is wrong with a line before it was sent.
func fault(line int, err error) error {
	return realtime.Errorf(realtime.CodeBadRequest, "line %d: %v", line, err)
}
