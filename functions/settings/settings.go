// Package settings reads what the environment tells the functions:
//
//	TIDEWIRE_BACKEND         gcp:PROJECT, or memory: a broker within the function's own process, which
//	                         nothing else can read from; it serves to try ingest by itself
//	TIDEWIRE_TENANTS         memory: the file of tenant documents
//	TIDEWIRE_DATABASE        gcp: the Firestore database; default (default)
//	TIDEWIRE_PUBSUB_REGION   gcp: the region whose Pub/Sub is spoken to; default the global address
//	TIDEWIRE_SHARDS          how many shared topics there are, the same in every process of
//	                         a deployment; default 0, none
//	TIDEWIRE_LOG_LEVEL       the least level of log lines: debug, info, warn, error; default info
//	TIDEWIRE_TELEMETRY       where metrics and traces are sent: gcp, otlp:HOST:PORT, or none; default none
//	TIDEWIRE_METRICS_TENANTS how many tenants metrics show by name; default 20
//	TIDEWIRE_REGION          the region, for telemetry
//	K_SERVICE, K_REVISION    the function's service and revision, for telemetry; the platform sets them
//	TIDEWIRE_LOST_TOPIC      janitor: the topic that is told of lost connections; default none
//	TIDEWIRE_JANITOR_GRACE   janitor: how long an instance has to be dead; default 5m
//	TIDEWIRE_JANITOR_TIME    janitor: how long one run takes at most; default 50s
//	TIDEWIRE_GATEWAY         probe: origin of the gateway
//	TIDEWIRE_INGEST          probe: origin of ingest
//	TIDEWIRE_PROBE_TENANT    probe: the tenant that is its own
//	TIDEWIRE_PROBE_TIME      probe: how long one run takes at most; default 50s
//	TIDEWIRE_PROBE_HELD      probe: how many sockets of earlier runs stay open; default 6
//	FUNCTION_TARGET          the function that this is, which says what is needed; the platform sets it
//	PUBSUB_EMULATOR_HOST     host:port of an emulator to use instead of the service; both or neither
//	FIRESTORE_EMULATOR_HOST  the same
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"
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
	LogLevel    slog.Level
	Telemetry   string // as telemetry.Options.To
	// ShownTenants is how many tenants metrics show by name; 0 shows nobody.
	ShownTenants int

	// Service, Revision and Region say where this process runs.
	Service, Revision, Region string

	LostTopic    string // "" is none
	JanitorGrace time.Duration
	JanitorTime  time.Duration

	Gateway, Ingest string // of the probe, as all that follows; "" if it is not this function
	ProbeTenant     string
	ProbeTime       time.Duration
	ProbeHeld       int

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

// Read reads the settings by a function such as os.Getenv. Its error names every
// variable that is wrong, and how.
func Read(getenv func(string) string) (Settings, error) {
	r := reader{getenv: getenv}
	s := Settings{
		TenantsFile: getenv("TIDEWIRE_TENANTS"),
		Database:    getenv("TIDEWIRE_DATABASE"),

		Telemetry:    r.form("TIDEWIRE_TELEMETRY", telemetry, "must be gcp, otlp:HOST:PORT or none"),
		ShownTenants: r.number("TIDEWIRE_METRICS_TENANTS", 20, 0, maxShown),
		Service:      getenv("K_SERVICE"),
		Revision:     getenv("K_REVISION"),
		Region:       getenv("TIDEWIRE_REGION"),

		Shards:       r.number("TIDEWIRE_SHARDS", 0, 0, maxShards),
		LostTopic:    r.form("TIDEWIRE_LOST_TOPIC", topic, "must be the identifier of a topic, without its project"),
		JanitorGrace: r.duration("TIDEWIRE_JANITOR_GRACE", 5*time.Minute, minGrace, 24*time.Hour),
		JanitorTime:  r.duration("TIDEWIRE_JANITOR_TIME", 50*time.Second, time.Second, 30*time.Minute),

		Gateway:     r.form("TIDEWIRE_GATEWAY", origin, "must be an origin such as https://live.example.com"),
		Ingest:      r.form("TIDEWIRE_INGEST", origin, "must be an origin such as https://live.example.com"),
		ProbeTenant: r.form("TIDEWIRE_PROBE_TENANT", tenant, "must be the identifier of a tenant"),
		ProbeTime:   r.duration("TIDEWIRE_PROBE_TIME", 50*time.Second, time.Second, 50*time.Second),
		ProbeHeld:   r.number("TIDEWIRE_PROBE_HELD", 6, 0, maxHeld),

		PubSubRegion:      r.form("TIDEWIRE_PUBSUB_REGION", region, "must be a region such as europe-west1"),
		PubSubEmulator:    getenv("PUBSUB_EMULATOR_HOST"),
		FirestoreEmulator: getenv("FIRESTORE_EMULATOR_HOST"),
	}
	r.level(&s.LogLevel)
	r.backend(&s)
	if getenv("FUNCTION_TARGET") == "probe" {
		r.needed("TIDEWIRE_GATEWAY", "TIDEWIRE_INGEST", "TIDEWIRE_PROBE_TENANT")
	}
	if (s.PubSubEmulator == "") != (s.FirestoreEmulator == "") {
		r.fault("PUBSUB_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST", "only one of them is set; set both or neither")
	}
	return s, errors.Join(r.faults...)
}

// reader reads variables and keeps what is wrong with them.
type reader struct {
	getenv func(string) string
	faults []error
}

func (r *reader) fault(name, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(name+": "+format, args...))
}

func (r *reader) backend(s *Settings) {
	const name = "TIDEWIRE_BACKEND"
	value := r.getenv(name)
	kind, id, _ := strings.Cut(value, ":")
	s.Backend = Backend(kind)
	switch {
	case value == "":
		r.fault(name, "is not set; must be gcp:PROJECT or memory")
	case value == string(Memory):
		if s.TenantsFile == "" {
			r.fault("TIDEWIRE_TENANTS", "is not set; memory needs a file of tenant documents")
		}
	case s.Backend == GCP:
		if s.Project = id; !project.MatchString(id) {
			r.fault(name, "must be gcp:PROJECT with a project identifier, got %q", value)
		}
		if s.TenantsFile != "" {
			r.fault("TIDEWIRE_TENANTS", "is set, but only memory reads it; with gcp, tenant documents are in Firestore")
		}
	default:
		r.fault(name, "must be gcp:PROJECT or memory, got %q", value)
	}
}

func (r *reader) level(l *slog.Level) {
	const name = "TIDEWIRE_LOG_LEVEL"
	if value := r.getenv(name); value != "" && l.UnmarshalText([]byte(value)) != nil {
		r.fault(name, "must be debug, info, warn or error, got %q", value)
	}
}

// needed finds the variables that are not set.
func (r *reader) needed(names ...string) {
	for _, name := range names {
		if r.getenv(name) == "" {
			r.fault(name, "is not set; required by the probe")
		}
	}
}

func (r *reader) form(name string, form *regexp.Regexp, hint string) string {
	value := r.getenv(name)
	if value != "" && !form.MatchString(value) {
		r.fault(name, "%s, got %q", hint, value)
	}
	return value
}

func (r *reader) number(name string, otherwise, least, most int) int {
	value := r.getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		r.fault(name, "must be a number from %d to %d, got %q", least, most, value)
	}
	return n
}

func (r *reader) duration(name string, otherwise, least, most time.Duration) time.Duration {
	value := r.getenv(name)
	if value == "" {
		return otherwise
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		r.fault(name, "must be a duration from %v to %v, got %q", least, most, value)
	}
	return d
}
