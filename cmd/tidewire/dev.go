package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devserver"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime/shutdown"
)

func newDev(s std) *cobra.Command {
	var o devserver.Options
	var kind, project string
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in one process: gateway, ingest and dashboards",
		Long: "dev serves sockets, Server-Sent Events, ingest and the dashboards on one address,\n" +
			"on memory drivers, with demo tenants and live data. Its secret is created at the\n" +
			"first start and kept in a file that only you can read. With --backend gcp it uses\n" +
			"the Pub/Sub and Firestore emulators that PUBSUB_EMULATOR_HOST and\n" +
			"FIRESTORE_EMULATOR_HOST name; make emulators starts them. With --json it writes one\n" +
			`line once it accepts connections: {"url":"...","tenants":["..."],"token":"..."}.` + "\n" + exitHelp,
		Args: exactly(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if !cmd.Flags().Changed("project") {
				project = cmp.Or(s.project, project)
			}
			if o.Backend, err = devBackend(kind, project, s.emulators); err != nil {
				return err
			}
			o.Emulators = s.emulators
			o.AnyPort = !cmd.Flags().Changed("addr")
			if o.Tenants, err = absolute(o.Tenants); err != nil {
				return err
			}
			if o.Page, err = pageFolder(o.Page, o.Demo); err != nil {
				return err
			}
			if o.Filter, err = absolute(o.Filter); err != nil {
				return err
			}
			o.State = s.state
			o.Logger = newLogger(s.err, asJSON, verbose)
			return shutdown.Run(cmd.Context(), func(ctx context.Context) error {
				return devserver.Run(ctx, o, func(d *devserver.Server) error { return d.Introduce(s.out, asJSON) })
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "address to listen on; port 0 picks a free one; by default, if 8080 is in use, dev uses one of 8090 to 8099")
	f.StringVar(&o.Tenants, "tenants", "", "file of tenant documents")
	f.StringVar(&kind, "backend", "memory", "where events and connections are kept: memory, or gcp for Google's emulators")
	f.StringVar(&project, "project", "tidewire-dev", "project in the emulators, with --backend gcp (default: GOOGLE_CLOUD_PROJECT, otherwise this)")
	f.BoolVar(&o.Demo, "demo", true, "demo tenants, dashboards that need no login, live data")
	f.StringSliceVar(&o.Crawl, "crawler", nil, "hosts that the crawler may read, which takes jobs by POST /functions/crawler from this machine (docs/functions.md)")
	f.StringVar(&o.Filter, "filter", "", "file of rules of the filter, which takes pushes of Pub/Sub by POST /functions/filter from this machine (docs/functions.md)")
	f.StringVar(&o.Page, "page", "", "folder of a page of your own, served at /, with tokens for all channels of the first tenant at /token; needs --demo=false")
	f.BoolVar(&asJSON, "json", false, "one line of JSON instead of text, and logs as JSON")
	f.BoolVar(&verbose, "verbose", false, "log more")
	complete(cmd, "backend", fixed("memory", "gcp"))
	return cmd
}

// devBackend returns the word for backend.Open. A project of Google's own is not for dev: its demo lets everybody in.
func devBackend(kind, project string, e devserver.Emulators) (string, error) {
	switch kind {
	case "memory":
		return kind, nil
	case "gcp":
		if missing := missingOf(e); missing != "" {
			return "", usage.Errorf("--backend gcp: %s must name the emulators that dev uses instead of Google Cloud; make emulators starts them and prints both variables", missing)
		}
		if !projectID.MatchString(project) {
			return "", usage.Errorf("--project or GOOGLE_CLOUD_PROJECT: must be a project ID such as tidewire-dev, got %q", project)
		}
		return "gcp:" + project, nil
	}
	return "", usage.Errorf("--backend: must be memory or gcp, got %q", kind)
}

// projectID is the form of the ID of a project in Google Cloud, which the emulators do not check; some have a domain.
var projectID = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// missingOf names the variables that are not set.
func missingOf(e devserver.Emulators) string {
	var all []string
	if e.PubSub == "" {
		all = append(all, "PUBSUB_EMULATOR_HOST")
	}
	if e.Firestore == "" {
		all = append(all, "FIRESTORE_EMULATOR_HOST")
	}
	return strings.Join(all, " and ")
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

// pageFolder checks a folder that is to be served.
func pageFolder(folder string, demo bool) (string, error) {
	if folder == "" {
		return "", nil
	}
	if demo {
		return "", usage.Errorf("--page: needs --demo=false, as the demo has / for its dashboards")
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", usage.Errorf("--page: must be a folder, got %q", folder)
	}
	return filepath.Abs(folder)
}

// absolute makes a path good for a command started elsewhere.
func absolute(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	return filepath.Abs(file)
}
