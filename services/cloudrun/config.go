package cloudrun

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

// Config is what all services read.
type Config struct {
	Port int // to listen on; 0 is any that is free
	// Listener is used in place of one at Port, by tests; nil is not.
	Listener net.Listener
	// Service, Revision and Region say where this process runs.
	Service, Revision, Region string
	LogLevel                  slog.Level
	// Instance names this process among all, and is new at every start.
	Instance     string
	ServeMetrics bool    // at /metrics, to anybody who can reach the service
	Telemetry    string  // where it is sent, as telemetry.Options.To
	ShownTenants int     // how many metrics show by name; 0 shows nobody
	Traces       float64 // share of what is published in no trace that begins one
	Profiles     string  // address that profiles are served at; empty: nowhere

	Backend        string // the word that backend.Open takes
	backendOptions backend.Options
}

// ReadConfig reads what all services need. Faults are in e.
func ReadConfig(e *environment.Reader) Config {
	c := Config{
		Port:         e.Number("PORT", 8080, 0, 65535),
		Service:      e.Text("K_SERVICE", ""),
		Revision:     e.Text("K_REVISION", ""),
		Region:       e.Text("TIDEWIRE_REGION", ""),
		LogLevel:     e.Level("TIDEWIRE_LOG_LEVEL"),
		Instance:     strings.ToLower(rand.Text()[:16]),
		ServeMetrics: e.Switch("TIDEWIRE_METRICS"),
		Telemetry:    e.Text("TIDEWIRE_TELEMETRY", "none"),
		ShownTenants: e.Number("TIDEWIRE_METRICS_TENANTS", telemetry.DefaultTenants, 0, 1000),
		Traces:       e.Share("TIDEWIRE_TRACES"),
		Profiles:     e.Text("TIDEWIRE_PPROF", ""),
		Backend:      e.Needed("TIDEWIRE_BACKEND", "memory, or gcp:PROJECT"),
		backendOptions: backend.Options{
			TenantsFile:       e.Text("TIDEWIRE_TENANTS", ""),
			Database:          e.Text("TIDEWIRE_DATABASE", ""),
			PubSubRegion:      e.Text("TIDEWIRE_PUBSUB_REGION", ""),
			Shards:            e.Number("TIDEWIRE_SHARDS", 0, 0, 1000),
			Subscriptions:     e.Number("TIDEWIRE_SUBSCRIPTIONS", 9000, 1, 10_000),
			PubSubEmulator:    e.Text("PUBSUB_EMULATOR_HOST", ""),
			FirestoreEmulator: e.Text("FIRESTORE_EMULATOR_HOST", ""),
		},
	}
	return c
}

// Logger returns a logger that writes for Cloud Logging.
func (c *Config) Logger(out io.Writer) *slog.Logger {
	return slog.New(telemetry.NewCloudLog(out, telemetry.CloudLogOptions{Level: c.LogLevel, Project: backend.Project(c.Backend)}))
}

// Open opens the backend, which is closed at the end.
func (p *Parts) Open(ctx context.Context) (*backend.Backend, error) {
	o := p.config.backendOptions
	o.Logger, o.Metrics = p.Log, p.Metrics
	b, err := backend.Open(ctx, p.config.Backend, o)
	if err == nil {
		p.Closing(b.Close)
	}
	return b, err
}

// Health adds to a service's handler the paths that probes ask, /healthz and /readyz. They say that this process
// serves, and nothing of what it depends on: a probe that failed with the store would take all instances away.
func Health(own http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", own)
	for _, path := range []string{"/healthz", "/readyz"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = io.Copy(w, strings.NewReader("ok\n")) // the client may be gone: nobody is left to tell
		})
	}
	return mux
}
