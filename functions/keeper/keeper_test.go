package keeper_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	function "github.com/tidewire/tidewire/functions/keeper"
	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/keeper"
)

var servers emulators.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(servers.Main(m),
		// A dependency of the SDKs starts it when it is initialized, for ever.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// project is one at the emulators.
type project struct {
	*testing.T
	broker  *gcppubsub.Broker
	tenants *gcpfirestore.Tenants
	states  *gcpfirestore.States
	log     bytes.Buffer
}

func open(t *testing.T) *project {
	t.Helper()
	c := gcp.Connection{Project: emulators.Project(t), PubSubEmulator: servers.PubSub(t), FirestoreEmulator: servers.Firestore(t)}
	broker, err := gcppubsub.OpenBroker(t.Context(), c, gcppubsub.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := gcpfirestore.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(broker.Close(context.Background()), db.Close()); err != nil {
			t.Error(err)
		}
	})
	p := &project{T: t, broker: broker, tenants: gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{Timeout: time.Minute}), states: gcpfirestore.NewStates(db, gcpfirestore.StatesOptions{Timeout: time.Minute})}
	doc := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"fleet": {State: &realtime.State{}}}}
	if _, err := p.tenants.Put(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	if err := broker.EnsureTopic(t.Context(), "tw-acme"); err != nil {
		t.Fatal(err)
	}
	return p
}

// call makes a round as a process that has just begun.
func (p *project) call() (r keeper.Report) {
	p.Helper()
	f := function.New(keeper.New(keeper.Options{
		Broker: p.broker, Reader: p.broker, Tenants: p.tenants, States: p.states, MaxTime: time.Minute, ReadTime: 30 * time.Second,
	}), slog.New(slog.NewJSONHandler(&p.log, nil)))
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequestWithContext(p.Context(), http.MethodPost, "/", http.NoBody))
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != http.StatusOK {
		p.Fatalf("%d %s", w.Code, w.Body)
	}
	return r
}

func (p *project) publish(c realtime.Channel, key, id string, op realtime.Op) {
	p.Helper()
	m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, Key: key, ID: id, Op: op}}
	if op == realtime.OpSet {
		m.Data = []byte(`{"id":"` + id + `"}`)
	}
	stored := make(chan error, 1)
	p.broker.Publish(p.Context(), "tw-acme", m, func(err error) { stored <- err })
	if err := <-stored; err != nil {
		p.Fatal(err)
	}
}

// On the emulators, rounds of one process after the other keep what was published.
func TestRounds(t *testing.T) {
	t.Parallel()
	p := open(t)
	c, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		t.Fatal(err)
	}
	holds := func(want string) {
		t.Helper()
		got, err := p.states.Checkpoint(t.Context(), "tw-acme", c)
		if err != nil || got.Watermark.IsZero() {
			t.Fatalf("%+v, %v", got, err)
		}
		var all []string
		for _, e := range got.Entries {
			all = append(all, e.Key+"="+e.ID)
		}
		if has := strings.Join(all, " "); has != want {
			t.Errorf("holds %q, want %q", has, want)
		}
	}
	p.publish(c, "a", "1", realtime.OpSet)
	p.publish(c, "b", "2", realtime.OpSet)
	p.publish(c, "a", "3", realtime.OpSet)
	if r := p.call(); r.Topics != 1 || r.Kept != 1 || r.Changes != 2 || r.Errors != 0 {
		t.Errorf("%+v", r)
	}
	holds("a=3 b=2")
	if r := p.call(); r.Kept != 1 || r.Changes != 0 {
		t.Errorf("nothing was published: %+v", r)
	}
	p.publish(c, "a", "4", realtime.OpDelete)
	p.publish(c, "c", "5", realtime.OpSet)
	if r := p.call(); r.Kept != 1 || r.Changes != 2 {
		t.Errorf("%+v", r)
	}
	holds("b=2 c=5")
	p.publish(c, "", "6", realtime.OpClear)
	p.publish(c, "d", "7", realtime.OpSet)
	p.call()
	holds("d=7")
	if line := `"msg":"the keeper ran"`; !strings.Contains(p.log.String(), line) || !strings.Contains(p.log.String(), `"lag":`) {
		t.Errorf("it logged\n%s", p.log.String())
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	p := open(t)
	f := function.New(keeper.New(keeper.Options{Broker: p.broker, Reader: p.broker, Tenants: p.tenants, States: p.states}), slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
		t.Errorf("GET: %d %s", w.Code, w.Body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w = httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", http.NoBody))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("without a database: %d %s", w.Code, w.Body)
	}
}
