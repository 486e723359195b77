// Package settings reads what the environment tells the functions:
//
//	TIDEWIRE_BACKEND         gcp:PROJECT, or memory: a broker within the function's own process, which
//	                         nothing else can read from; it serves to try ingest by itself
//	TIDEWIRE_TENANTS         memory: the file of tenant documents
//	TIDEWIRE_DATABASE        gcp: the Firestore database; default (default)
//	TIDEWIRE_PUBSUB_REGION   gcp: the region whose Pub/Sub is spoken to; default the global address
//	TIDEWIRE_SHARDS          how many shared topics there are, the same in every process of
//	                         a deployment; default 0, none
//	TIDEWIRE_RETENTION       how long every topic keeps messages at least, the same in every process; default 10m
//	TIDEWIRE_LOG_LEVEL       the least level of log lines: debug, info, warn, error; default info
//	TIDEWIRE_TELEMETRY       where metrics and traces are sent: gcp, otlp:HOST:PORT, or none; default none
//	TIDEWIRE_METRICS_TENANTS how many tenants metrics show by name; default 20
//	TIDEWIRE_REGION          the region, for telemetry
//	K_SERVICE, K_REVISION    the function's service and revision, for telemetry; the platform sets them
//	TIDEWIRE_LIFECYCLE_TOPIC janitor: the topic that is told of lost connections, and of channels that become occupied and vacated; default none
//	TIDEWIRE_JANITOR_GRACE   janitor: how long an instance has to be dead; default 5m
//	TIDEWIRE_JANITOR_TIME    janitor: how long one run takes at most; default 50s
//	TIDEWIRE_KEEPER_TIME     keeper: how long one round takes at most; default 50s
//	TIDEWIRE_GATEWAY         probe: origin of the gateway
//	TIDEWIRE_INGEST          probe: origin of ingest
//	TIDEWIRE_PROBE_TENANT    probe: the tenant that is its own
//	TIDEWIRE_PROBE_TIME      probe: how long one run takes at most; default 50s
//	TIDEWIRE_PROBE_HELD      probe: how many sockets of earlier runs stay open; default 6
//	TIDEWIRE_CRAWLER_HOSTS   crawler: the hosts that it may read, with commas between; *.example.com is all below example.com
//	TIDEWIRE_CRAWLER_DELAY   crawler: the pause between two requests to a host; default 1s
//	TIDEWIRE_CRAWLER_TIME    crawler: how long one job takes at most; default 8m
//	TIDEWIRE_FILTER_RULES    filter: the rules, in JSON, as package functions/filter has them
//	FUNCTION_TARGET          the function that this is, which says what is needed; the platform sets it
//	PUBSUB_EMULATOR_HOST     host:port of an emulator to use instead of the service; both or neither
//	FIRESTORE_EMULATOR_HOST  the same
package settings

import (
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/environment"
)

// Backend is where a function publishes to and reads from.
type Backend string

// The backends a function can have.
const (
	Memory Backend = "memory"
	GCP    Backend = "gcp"
)

// Settings are what the environment says. Read makes them.
type Settings struct {
	Backend     Backend
	Project     string // gcp
	Database    string // gcp; "" is (default)
	TenantsFile string // memory
	Shards      int
	Retention   time.Duration // how long every topic keeps messages at least
	LogLevel    slog.Level
	Telemetry   string // as telemetry.Options.To
	// ShownTenants is how many tenants metrics show by name; 0 shows nobody.
	ShownTenants int

	// Service, Revision and Region say where this process runs.
	Service, Revision, Region string

	LifecycleTopic string // "" is none
	JanitorGrace   time.Duration
	JanitorTime    time.Duration
	KeeperTime     time.Duration

	Gateway, Ingest string // of the probe, as all that follows; "" if it is not this function
	ProbeTenant     string
	ProbeTime       time.Duration
	ProbeHeld       int

	CrawlerHosts []string
	CrawlerDelay time.Duration
	CrawlerTime  time.Duration
	FilterRules  string // of package functions/filter, which reads them

	PubSubRegion                      string
	PubSubEmulator, FirestoreEmulator string
}

// The bounds of what may be set.
const (
	maxShards = 1000
	maxHeld   = 15
	maxShown  = 1000
	// minGrace is well above the 15 seconds of a lease: an instance that has not
	// renewed for that long is alive as long as it comes back within the grace.
	minGrace = time.Minute
)

// project is the form of a Google Cloud project identifier.
var project = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// topic is the form of a Pub/Sub topic identifier.
var topic = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$`)

// telemetry is where it can be sent.
var telemetry = regexp.MustCompile(`^(gcp|otlp:.+:[0-9]+|none)$`)

// region is the form of a region of Google Cloud.
var region = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)

// origin is the form of an origin, and tenant that of a tenant's identifier.
var (
	origin = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]+$`)
	tenant = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
)

// hosts is the form of a list of hosts.
var hosts = regexp.MustCompile(`^(\*\.)?[a-z0-9.:\[\]-]+(,(\*\.)?[a-z0-9.:\[\]-]+)*$`)

// Read reads the settings by a function such as os.LookupEnv. Its error names every
// variable that is wrong, and how.
func Read(lookup environment.Lookup) (Settings, error) {
	r := environment.New(lookup)
	s := Settings{
		TenantsFile: r.Text("TIDEWIRE_TENANTS", ""),
		Database:    r.Text("TIDEWIRE_DATABASE", ""),

		Telemetry:    r.Form("TIDEWIRE_TELEMETRY", telemetry, "gcp, otlp:HOST:PORT or none"),
		ShownTenants: r.Number("TIDEWIRE_METRICS_TENANTS", 20, 0, maxShown),
		Service:      r.Text("K_SERVICE", ""),
		Revision:     r.Text("K_REVISION", ""),
		Region:       r.Text("TIDEWIRE_REGION", ""),

		Shards:         r.Number("TIDEWIRE_SHARDS", 0, 0, maxShards),
		Retention:      r.Duration("TIDEWIRE_RETENTION", "10m", realtime.DefaultRetention, realtime.MaxRetention),
		LifecycleTopic: r.Form("TIDEWIRE_LIFECYCLE_TOPIC", topic, "the identifier of a topic, without its project"),
		JanitorGrace:   r.Duration("TIDEWIRE_JANITOR_GRACE", "5m", minGrace, 24*time.Hour),
		JanitorTime:    r.Duration("TIDEWIRE_JANITOR_TIME", "50s", time.Second, 30*time.Minute),

		KeeperTime: r.Duration("TIDEWIRE_KEEPER_TIME", "50s", 10*time.Second, 50*time.Second),

		Gateway:     r.Form("TIDEWIRE_GATEWAY", origin, "an origin such as https://live.example.com"),
		Ingest:      r.Form("TIDEWIRE_INGEST", origin, "an origin such as https://live.example.com"),
		ProbeTenant: r.Form("TIDEWIRE_PROBE_TENANT", tenant, "the identifier of a tenant"),
		ProbeTime:   r.Duration("TIDEWIRE_PROBE_TIME", "50s", time.Second, 50*time.Second),
		ProbeHeld:   r.Number("TIDEWIRE_PROBE_HELD", 6, 0, maxHeld),

		CrawlerDelay: r.Duration("TIDEWIRE_CRAWLER_DELAY", "1s", 100*time.Millisecond, time.Minute),
		CrawlerTime:  r.Duration("TIDEWIRE_CRAWLER_TIME", "8m", time.Second, 9*time.Minute),

		PubSubRegion:      r.Form("TIDEWIRE_PUBSUB_REGION", region, "a region such as europe-west1"),
		PubSubEmulator:    r.Text("PUBSUB_EMULATOR_HOST", ""),
		FirestoreEmulator: r.Text("FIRESTORE_EMULATOR_HOST", ""),
		LogLevel:          r.Level("TIDEWIRE_LOG_LEVEL"),
	}
	s.readBackend(r)
	if text := r.Form("TIDEWIRE_CRAWLER_HOSTS", hosts, "hosts in lower case with commas between, such as docs.example.com,*.example.org"); text != "" {
		s.CrawlerHosts = strings.Split(text, ",")
	}
	s.FilterRules = r.Text("TIDEWIRE_FILTER_RULES", "")
	target := r.Text("FUNCTION_TARGET", "")
	if target == "filter" && s.FilterRules == "" {
		r.Fault("TIDEWIRE_FILTER_RULES", "is not set; required by the filter")
	}
	if target == "crawler" && len(s.CrawlerHosts) == 0 {
		r.Fault("TIDEWIRE_CRAWLER_HOSTS", "is not set; required by the crawler")
	}
	if target == "probe" {
		for _, needed := range [][2]string{{"TIDEWIRE_GATEWAY", s.Gateway}, {"TIDEWIRE_INGEST", s.Ingest}, {"TIDEWIRE_PROBE_TENANT", s.ProbeTenant}} {
			if needed[1] == "" {
				r.Fault(needed[0], "is not set; required by the probe")
			}
		}
	}
	if (s.PubSubEmulator == "") != (s.FirestoreEmulator == "") {
		r.Fault("PUBSUB_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST", "only one of them is set; set both or neither")
	}
	return s, r.Err()
}

func (s *Settings) readBackend(r *environment.Reader) {
	const name = "TIDEWIRE_BACKEND"
	value := r.Needed(name, "gcp:PROJECT or memory")
	kind, id, _ := strings.Cut(value, ":")
	s.Backend = Backend(kind)
	switch {
	case value == "":
	case value == string(Memory):
		if s.TenantsFile == "" {
			r.Fault("TIDEWIRE_TENANTS", "is not set; memory needs a file of tenant documents")
		}
		if s.Retention != realtime.DefaultRetention {
			r.Fault("TIDEWIRE_RETENTION", "must be 10m, or not set, with memory")
		}
	case s.Backend == GCP:
		if s.Project = id; !project.MatchString(id) {
			r.Fault(name, "must be gcp:PROJECT with a project identifier, got %q", value)
		}
		if s.TenantsFile != "" {
			r.Fault("TIDEWIRE_TENANTS", "is set, but only memory reads it; with gcp, tenant documents are in Firestore")
		}
	default:
		r.Fault(name, "must be gcp:PROJECT or memory, got %q", value)
	}
}
