package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidewire/tidewire/realtime"
)

// event is one line of NDJSON, in the form of the ingest endpoint.
type event struct {
	ID      string            `json:"id,omitempty"`
	Channel string            `json:"channel,omitempty"`
	Key     string            `json:"key,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Data    json.RawMessage   `json:"data"`

	line int // of standard input, 0 if it is not from there
}

func newPublish(s std) *cobra.Command {
	var address, token, tenant string
	var standard event
	var tags []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "publish --url U --token JWT --tenant T --channel C [--key K] [--tag k=v]... [DATA | -]",
		Short: "Publish events",
		Long: "publish sends DATA, a JSON value, as one event. DATA that is no JSON is sent\n" +
			"as a string. With - it reads NDJSON from standard input, one event a line:\n" +
			`{"channel":"...","key":"...","tags":{},"id":"...","data":...}; the flags stand in` + "\n" +
			"for what a line leaves out. Every event has an id, so that a request that is\n" +
			"sent again publishes nothing twice. An event the server refuses ends it; those\n" +
			"of the lines before are published.\n" + exitHelp,
		Example: "  tidewire publish --url http://127.0.0.1:8080 --token $TOKEN --tenant acme --channel prices:fx --key EURUSD '{\"bid\":1.08}'\n" +
			"  tidewire publish --url http://127.0.0.1:8080 --token $TOKEN --tenant acme - <events.ndjson",
		Args: exactly(0, 1, "one DATA or -"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if standard.Tags, err = parseTags(tags); err != nil {
				return err
			}
			to, err := newIngestClient(address, tenant, token)
			if err != nil {
				return err
			}
			defer to.close()
			p := &publishing{std: s, to: to, standard: standard, json: asJSON}
			if len(args) == 1 && args[0] != "-" {
				return p.finish(p.one(cmd.Context(), args[0]))
			}
			if f, ok := s.in.(*os.File); ok && len(args) == 0 && term.IsTerminal(int(f.Fd())) {
				return usagef("publish: DATA is missing; - reads events from standard input")
			}
			return p.finish(p.lines(cmd.Context()))
		},
	}
	f := cmd.Flags()
	f.StringVar(&address, "url", "", "where the gateway or the ingest function is (required)")
	f.StringVar(&token, "token", "", "token that may publish (required)")
	f.StringVar(&tenant, "tenant", "", "tenant (required)")
	f.StringVar(&standard.Channel, "channel", "", "channel (required with DATA)")
	f.StringVar(&standard.Key, "key", "", "what the event replaces, such as a symbol")
	f.StringArrayVar(&tags, "tag", nil, "k=v; may be repeated")
	f.BoolVar(&asJSON, "json", false, "print the server's answers")
	required(cmd, "url", "token", "tenant")
	return cmd
}

func parseTags(tags []string) (map[string]string, error) {
	var m map[string]string
	for _, tag := range tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" {
			return nil, usagef("--tag: %q is not k=v", tag)
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
	to       *ingestClient
	standard event // stands in for what an event leaves out
	json     bool
	accepted int
}

func (p *publishing) one(ctx context.Context, data string) error {
	if p.standard.Channel == "" {
		return usagef("publish: --channel is missing; see tidewire publish --help")
	}
	raw := json.RawMessage(data)
	if !json.Valid(raw) {
		var err error
		if raw, err = json.Marshal(data); err != nil {
			return err
		}
	}
	e := p.standard
	e.Data = raw
	return p.send(ctx, []event{e})
}

// send publishes a batch, in order.
func (p *publishing) send(ctx context.Context, batch []event) error {
	if len(batch) == 0 {
		return nil
	}
	for i := range batch {
		if batch[i].ID == "" {
			batch[i].ID = rand.Text()
		}
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	answer, err := p.to.post(ctx, body)
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
	var r *refusal
	switch parts := errors.As(err, &r) && len(r.parts) > 0; {
	case parts && first == 0: // the one event of the command line
		named := *r.why
		named.Message = r.parts[0].Detail
		return &named
	case first == 0:
		return err
	case !parts:
		return fmt.Errorf("lines %d to %d: %w", first, last, err)
	}
	named := *r.why
	for n, part := range r.parts {
		if n == 10 {
			named.Message += fmt.Sprintf("\nand %d more", len(r.parts)-n)
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
