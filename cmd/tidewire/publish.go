package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
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
}

// What one request takes at most.
const (
	batchEvents = 500
	batchBytes  = 512 << 10
)

func newPublish(s std) *cobra.Command {
	var to ingestClient
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
			"sent again publishes nothing twice.\n" + exitHelp,
		Example: "  tidewire publish --url http://127.0.0.1:8080 --token $TOKEN --tenant acme --channel prices:fx --key EURUSD '{\"bid\":1.08}'\n" +
			"  tidewire publish --url http://127.0.0.1:8080 --token $TOKEN --tenant acme - <events.ndjson",
		Args: exactly(0, 1, "one DATA or -"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if standard.Tags, err = parseTags(tags); err != nil {
				return err
			}
			p := &publishing{std: s, to: to, standard: standard, json: asJSON}
			if len(args) == 1 && args[0] != "-" {
				return p.one(cmd.Context(), args[0])
			}
			return p.lines(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&to.url, "url", "", "where the gateway or the ingest function is (required)")
	f.StringVar(&to.token, "token", "", "token that may publish (required)")
	f.StringVar(&to.tenant, "tenant", "", "tenant (required)")
	f.StringVar(&standard.Channel, "channel", "", "channel")
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
	to       ingestClient
	standard event // stands in for what an event leaves out
	json     bool
	accepted int
	bar      *progressbar.ProgressBar
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
	return p.finish(p.send(ctx, []event{e}))
}

// lines publishes what standard input holds, in order, a batch at a time.
func (p *publishing) lines(ctx context.Context) error {
	if p.in == nil {
		return usagef("publish: there is no standard input")
	}
	p.bar = newBar(p.std)
	in := bufio.NewReaderSize(io.TeeReader(p.in, p.bar), 64<<10)
	var batch []event
	size, number := 0, 0
	for {
		line, err := in.ReadBytes('\n')
		number++
		if err != nil && !errors.Is(err, io.EOF) {
			return p.finish(fmt.Errorf("standard input: %w", err))
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			e, bad := p.read(line)
			if bad != nil {
				return p.finish(errors.Join(p.send(ctx, batch), realtime.Errorf(realtime.CodeBadRequest, "line %d: %v", number, bad)))
			}
			batch = append(batch, e)
			size += len(line)
		}
		last := errors.Is(err, io.EOF)
		// A pipe that is written slowly is sent as it comes.
		if len(batch) >= batchEvents || size >= batchBytes || last || in.Buffered() == 0 {
			if err := p.send(ctx, batch); err != nil {
				return p.finish(fmt.Errorf("the batch that ends with line %d: %w", number, err))
			}
			batch, size = nil, 0
		}
		if last {
			return p.finish(nil)
		}
	}
}

func (p *publishing) read(line []byte) (event, error) {
	e := event{}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, err
	}
	if dec.More() {
		return e, errors.New("more than one JSON value")
	}
	if e.Channel == "" {
		e.Channel = p.standard.Channel
	}
	if e.Channel == "" {
		return e, errors.New("channel: is missing, here and as --channel")
	}
	if e.Key == "" {
		e.Key = p.standard.Key
	}
	if e.Tags == nil {
		e.Tags = p.standard.Tags
	}
	return e, nil
}

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
		return err
	}
	p.accepted += len(batch)
	if p.json {
		_, err = fmt.Fprintln(p.out, string(bytes.TrimSpace(answer)))
	}
	return err
}

func (p *publishing) finish(err error) error {
	if p.bar != nil {
		err = errors.Join(err, p.bar.Exit())
	}
	if !p.json {
		_, printed := fmt.Fprintf(p.out, "published %d\n", p.accepted)
		err = errors.Join(err, printed)
	}
	return err
}

// newBar shows how much of standard input was read, if somebody looks.
func newBar(s std) *progressbar.ProgressBar {
	size, visible := int64(-1), false
	if f, ok := s.in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	if f, ok := s.err.(*os.File); ok {
		visible = term.IsTerminal(int(f.Fd()))
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(s.err), progressbar.OptionSetVisibility(visible),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("publishing"))
}
