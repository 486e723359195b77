package probe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/functions/probe"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/publish"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

const tenantsFile = `{"tenants": {
	"probe":   {"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "probe-0123456789abcdef0123456789abcdef"}]}},
	"closed":  {"auth": {"keys": [{"kid": "k1", "alg": "HS256", "secret": "closed-0123456789abcdef0123456789abcde"}]}, "suspended": true},
	"keyless": {"auth": {"jwksUrl": "https://id.example.com/keys"}}
}}`

// deployment is a gateway and an ingest function on one memory broker.
type deployment struct {
	tenants         *memory.Tenants
	publisher       *publish.Publisher
	gateway, ingest string // origins
	hub             *hub.Hub
}

// sockets is how many of the probe's tenant are open.
func (d *deployment) sockets() int { return len(d.hub.Connections("probe")) }

// deploy makes one. judged may replace the documents by which tokens are judged.
func deploy(t *testing.T, judged ...*realtime.Tenant) *deployment {
	t.Helper()
	return deployWith(t, nil, hub.Pace{}, judged...)
}

// deployWith makes one whose gateway counts, and has deadlines of its own.
func deployWith(t *testing.T, metrics realtime.Metrics, pace hub.Pace, judged ...*realtime.Tenant) *deployment {
	t.Helper()
	tenants, err := memory.LoadTenants(strings.NewReader(tenantsFile))
	if err != nil {
		t.Fatal(err)
	}
	judges := tenants
	if len(judged) > 0 {
		if judges, err = memory.NewTenants(judged...); err != nil {
			t.Fatal(err)
		}
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	publisher := publish.New(broker, publish.Options{})
	verifier := auth.New(judges, auth.Options{})
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: judges, Verifier: verifier, Publisher: publisher, DrainSpread: time.Second, Metrics: metrics, Pace: pace})
	if err != nil {
		t.Fatal(err)
	}
	sockets := httptest.NewServer(g)
	events := httptest.NewServer(ingest.New(ingest.Options{Verifier: verifier, Tenants: judges, Publisher: publisher}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
		sockets.Close()
		events.Close()
		if err := errors.Join(verifier.Close(), broker.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	return &deployment{tenants: tenants, publisher: publisher, gateway: sockets.URL, ingest: events.URL, hub: g.Hub()}
}

// lines are what a probe logs. They are safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

// only returns the one line that was logged.
func (l *lines) only(t *testing.T) map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var line map[string]any
	if err := json.Unmarshal(l.all.Bytes(), &line); err != nil {
		t.Fatalf("no line, or more than one: %v\n%s", err, l.all.String())
	}
	return line
}

// open makes a probe of the deployment.
func (d *deployment) open(t *testing.T, change ...func(*probe.Options)) (*probe.Probe, *lines) {
	t.Helper()
	log := &lines{}
	o := probe.Options{
		Gateway: d.gateway, Ingest: d.ingest, Tenant: "probe", Tenants: d.tenants, MaxTime: patience,
		Logger: slog.New(slog.NewJSONHandler(log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	p, err := probe.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, log
}

// serve runs a handler for the test and returns its origin.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
