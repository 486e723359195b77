package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newDev(s std) *cobra.Command {
	var o devOptions
	var kind, project string
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in one process: gateway, ingest and dashboards",
		Long: "dev serves sockets, Server-Sent Events, ingest and the dashboards on one address,\n" +
			"on memory drivers, with demo tenants and live data. Its secret is made at the\n" +
			"first start and kept in a file that only you can read. With --backend gcp it is the\n" +
			"same on the emulators of Pub/Sub and Firestore that PUBSUB_EMULATOR_HOST and\n" +
			"FIRESTORE_EMULATOR_HOST name; make emulators starts them. With --json it writes one\n" +
			`line once it accepts: {"url":"...","tenants":["..."],"token":"..."}.` + "\n" + exitHelp,
		Args: exactly(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.backend, err = devBackend(kind, project, s.emulators); err != nil {
				return err
			}
			o.emulators = s.emulators
			if o.tenants, err = absolute(o.tenants); err != nil {
				return err
			}
			o.state = s.state
			o.log = newLogger(s.err, asJSON, verbose)
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return runDev(ctx, o, func(d *devServer) error { return d.introduce(s.out, asJSON) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "address to listen on; port 0 picks a free one")
	f.StringVar(&o.tenants, "tenants", "", "file of tenant documents")
	f.StringVar(&kind, "backend", "memory", "where events and connections are kept: memory, or gcp for Google's emulators")
	f.StringVar(&project, "project", "tidewire-dev", "project in the emulators, with --backend gcp")
	f.BoolVar(&o.demo, "demo", true, "demo tenants, dashboards that need no login, live data")
	f.BoolVar(&asJSON, "json", false, "one line of JSON instead of text, and logs as JSON")
	f.BoolVar(&verbose, "verbose", false, "log more")
	return cmd
}

// devBackend returns the word for backend.Open. A project of Google's own is not for dev: its demo lets everybody in.
func devBackend(kind, project string, e emulators) (string, error) {
	switch kind {
	case "memory":
		return kind, nil
	case "gcp":
		if e.pubsub == "" || e.firestore == "" {
			return "", usagef("--backend gcp: PUBSUB_EMULATOR_HOST and FIRESTORE_EMULATOR_HOST have to name the emulators; make emulators starts them and prints both")
		}
		if project == "" {
			return "", usagef("--project: is empty; any name will do, such as tidewire-dev")
		}
		return "gcp:" + project, nil
	}
	return "", usagef("--backend: %q is neither memory nor gcp", kind)
}

func newLogger(w io.Writer, asJSON, verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// drainTimeout is how long dev drains; Cloud Run grants as much.
const drainTimeout = 10 * time.Second

// runDev serves until ctx ends, and then drains. ready is called once it accepts.
func runDev(ctx context.Context, o devOptions, ready func(*devServer) error) error {
	d, err := startDev(ctx, o)
	if err != nil {
		return err
	}
	err = ready(d)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-d.failed:
		}
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	return errors.Join(err, d.close(stopping))
}

// introduce says where everything is.
func (d *devServer) introduce(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(struct {
			URL     string   `json:"url"`
			Tenants []string `json:"tenants"`
			Token   string   `json:"token"`
		}{d.url, d.docs.IDs(), d.token})
	}
	w := &strings.Builder{}
	w.WriteString("Tidewire is running. Stop it with Ctrl-C.\n\n")
	if d.o.demo {
		fmt.Fprintf(w, "  dashboard  %s/\n", d.url)
	}
	fmt.Fprintf(w, "  sockets    ws%s/v1/socket\n", strings.TrimPrefix(d.url, "http"))
	fmt.Fprintf(w, "  events     %s/v1/events?channel=NAME\n", d.url)
	fmt.Fprintf(w, "  ingest     POST %s/v1/tenants/TENANT/events\n", d.url)
	fmt.Fprintf(w, "  api        %s/v1/tenants, as docs/api.md says\n", d.url)
	fmt.Fprintf(w, "  metrics    %s/metrics\n", d.url)
	fmt.Fprintf(w, "  tenants    %s\n", strings.Join(d.docs.IDs(), ", "))
	if d.token != "" {
		d.introduceToken(w)
	}
	_, err := fmt.Fprint(out, w, hint(out))
	return err
}

func (d *devServer) introduceToken(w *strings.Builder) {
	fmt.Fprintf(w, `
A token for all channels of %[1]s, good for 12 hours:

%[2]s

In another terminal:

  tidewire tail --url %[3]s --token TOKEN news:today
  tidewire publish --url %[3]s --token TOKEN --tenant %[1]s --channel news:today '"hello"'
`, d.tenantOfToken, d.token, d.url)
}

// hint tells somebody at a terminal who started it with make how to call the binary.
func hint(out io.Writer) string {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return "\n(tidewire is: go run ./cmd/tidewire, or go install ./cmd/tidewire)\n"
	}
	return ""
}
