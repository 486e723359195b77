package cloudrun

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
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
	ServeMetrics bool             // at /metrics, to anybody who can reach the service
	Telemetry    string           // where it is sent, as telemetry.Options.To
	Export       telemetry.Export // what sends it
	ShownTenants int              // how many metrics show by name; 0 shows nobody
	Traces       float64          // share of what is published in no trace that begins one
	Profiles     string           // address that profiles are served at; empty: nowhere

	Backend string // memory, or gcp:PROJECT
	Storage Storage
}

// Storage says more of the backend, whatever opens it.
type Storage struct {
	TenantsFile                       string        // memory: the file of tenant documents
	Database                          string        // gcp: of Firestore; empty is "(default)"
	PubSubRegion                      string        // gcp; empty is the global address
	Shards                            int           // how many topics pooled tenants share
	Retention                         time.Duration // how long every topic keeps messages at least
	LifecycleTopic                    string        // gcp: the topic that is told of channels; empty is none, and so in a service that has no readers
	Subscriptions                     int           // gcp: how many the project may have
	PubSubEmulator, FirestoreEmulator string        // gcp: host:port; empty is the service
}

// ReadConfig reads what all services need. Faults are in e. export is what the service links to send telemetry with.
func ReadConfig(e *environment.Reader, export telemetry.Export) Config {
	c := Config{
		Export:       export,
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
		Storage: Storage{
			TenantsFile:       e.Text("TIDEWIRE_TENANTS", ""),
			Database:          e.Text("TIDEWIRE_DATABASE", ""),
			PubSubRegion:      e.Text("TIDEWIRE_PUBSUB_REGION", ""),
			Shards:            e.Number("TIDEWIRE_SHARDS", 0, 0, 1000),
			Retention:         e.Duration("TIDEWIRE_RETENTION", "10m", realtime.DefaultRetention, realtime.MaxRetention),
			Subscriptions:     e.Number("TIDEWIRE_SUBSCRIPTIONS", 9000, 1, 10_000),
			PubSubEmulator:    e.Text("PUBSUB_EMULATOR_HOST", ""),
			FirestoreEmulator: e.Text("FIRESTORE_EMULATOR_HOST", ""),
		},
	}
	return c
}

// Logger returns a logger that writes for Cloud Logging.
func (c *Config) Logger(out io.Writer) *slog.Logger {
	return slog.New(telemetry.NewCloudLog(out, telemetry.CloudLogOptions{Level: c.LogLevel, Project: c.Project()}))
}

// Project returns the Google Cloud project that the backend names; empty if it names none.
func (c *Config) Project() string {
	name, of := strings.CutPrefix(c.Backend, "gcp:")
	if !of {
		return ""
	}
	return name
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
