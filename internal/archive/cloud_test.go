package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

const events = "/v1/tenants/%s/events"

// project is one on emulators of its own, with tenants and the topics of all of them but nobody's.
type project struct {
	gcp.Connection
	pubsub, firestore *emulators.Process
	broker            *gcppubsub.Broker
	revocations       *gcpfirestore.Revocations
}

func openProject(t *testing.T) *project {
	t.Helper()
	p := &project{}
	var err error
	p.pubsub, err = emulators.StartPubSub(t.Context())
	emulators.Check(t, err)
	t.Cleanup(p.pubsub.Kill)
	p.firestore, err = emulators.StartFirestore(t.Context())
	emulators.Check(t, err)
	t.Cleanup(p.firestore.Kill)
	p.Connection = gcp.Connection{Project: emulators.Project(t), PubSubEmulator: p.pubsub.Addr(), FirestoreEmulator: p.firestore.Addr()}

	db, err := gcpfirestore.Open(t.Context(), p.Connection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its emulator may have been ended
	p.revocations = gcpfirestore.NewRevocations(db, gcpfirestore.RevocationsOptions{})
	tenants := tenantcache.New(gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{Timeout: time.Minute}), tenantcache.Options{Timeout: time.Minute})
	for _, id := range []string{"acme", "shared", "closed", "nobody"} {
		if _, err := tenants.Put(t.Context(), document(t, id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tenants.Close(); err != nil {
		t.Fatal(err)
	}
	p.broker, err = gcppubsub.OpenBroker(t.Context(), p.Connection, gcppubsub.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.broker.Close(context.Background()) })
	for _, id := range []string{"acme", "shared"} {
		if err := p.broker.EnsureTopic(t.Context(), realtime.Placed(2)(document(t, id))); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// env is what a function is told to work on the project.
func (p *project) env() []string {
	return []string{
		"TIDEWIRE_BACKEND=gcp:" + p.Project, "TIDEWIRE_SHARDS=2", "TIDEWIRE_LIFECYCLE_TOPIC=lost",
		"PUBSUB_EMULATOR_HOST=" + p.PubSubEmulator, "FIRESTORE_EMULATOR_HOST=" + p.FirestoreEmulator,
	}
}

// await returns once a reader that comes after the fact has had all of these events from the topic of a tenant, which
// keeps them. Only what is stored can come so, and a stream that a pause has broken is not in the way.
func (p *project) await(t *testing.T, reader, tenant string, ids ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s, err := p.broker.Follow(ctx, realtime.Placed(2)(document(t, tenant)), realtime.Following{Instance: reader, Generation: 1, Since: time.Now().Add(-10 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.WithoutCancel(ctx)) }() // the emulator ends with the test
	missing := map[string]bool{}
	for _, id := range ids {
		missing[id] = true
	}
	for len(missing) > 0 {
		messages, err := s.Receive(ctx)
		if err != nil {
			t.Fatalf("%d of %d events that were answered 200 did not come: %v", len(missing), len(ids), err)
		}
		for _, m := range messages {
			if m.Channel.Tenant() == tenant {
				delete(missing, m.ID)
			}
		}
	}
}

func testCloud(t *testing.T, binary string) {
	p := openProject(t)
	f := start(t, binary, "ingest", p.env()...)
	testFirestoreDownAtFirst(t, p, f)
	testRefusals(t, f)
	testPlacements(t, p, f)
	testWholeDeployment(t, p, f, binary)
	testPubSubDown(t, p, f)
	testLogout(t, p, f)

	j := start(t, binary, "janitor", p.env()...)
	if a := j.post(t, "/", "", ""); a.Status != 200 || !strings.Contains(a.Raw, `"errors":0,"more":false`) {
		t.Errorf("the janitor answered %d: %s", a.Status, a.Raw)
	}
	if line := j.said("the janitor ran"); line["severity"] != "INFO" || line["errors"] != 0.0 {
		t.Errorf("its log says %v", line)
	}
}

// testFirestoreDownAtFirst makes the first requests while Firestore does not answer.
func testFirestoreDownAtFirst(t *testing.T, p *project, f *function) {
	token := signed(t, "acme", time.Hour)
	p.firestore.Pause()
	a := f.post(t, fmt.Sprintf(events, "acme"), token, `{"channel":"prices:fx","data":1,"id":"too-early"}`)
	p.firestore.Resume()
	if a.Status != 503 || a.Code != "unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("without Firestore: answered %d, Retry-After %q: %s", a.Status, a.Header.Get("Retry-After"), a.Raw)
	}
	f.until(t, 200, "acme", token)
}

// until posts events until they are answered with a status.
func (f *function) until(t *testing.T, status int, tenant, token string) answer {
	t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		a := f.post(t, fmt.Sprintf(events, tenant), token, `{"channel":"prices:fx","data":1}`)
		if a.Status == status {
			return a
		}
		select {
		case <-ticker.C:
		case <-f.done:
			t.Fatalf("the function has ended: %v", f.err)
		}
	}
}

func testRefusals(t *testing.T, f *function) {
	unknown := *document(t, "acme")
	unknown.ID = "unknown"
	for _, c := range []struct {
		name, tenant, token string
		status              int
		code, detail        string
	}{
		{"a suspended tenant", "closed", signed(t, "closed", time.Hour), 403, "suspended", ""},
		{"an expired token", "acme", signed(t, "acme", -time.Second), 401, "expired", ""},
		{"an unknown tenant", "unknown", signedBy(t, &unknown, time.Hour), 503, "unavailable", "check the name"}, // its document may be late
		{"another tenant's token", "shared", signed(t, "acme", time.Hour), 403, "forbidden", ""},
		{"a tenant without a topic", "nobody", signed(t, "nobody", time.Hour), 500, "internal", "the tenant has no topic"},
	} {
		a := f.post(t, fmt.Sprintf(events, c.tenant), c.token, `{"channel":"prices:fx","data":1}`)
		if a.Status != c.status || a.Code != c.code || !strings.Contains(a.Detail, c.detail) {
			t.Errorf("%s: answered %d %s, want %d %s: %s", c.name, a.Status, a.Code, c.status, c.code, a.Raw)
		}
	}
}

func testPlacements(t *testing.T, p *project, f *function) {
	for _, tenant := range []string{"acme", "shared"} {
		if a := f.post(t, fmt.Sprintf(events, tenant), signed(t, tenant, time.Hour), `{"channel":"prices:fx","data":1,"id":"placed"}`); a.Status != 200 {
			t.Errorf("%s: answered %d: %s", tenant, a.Status, a.Raw)
		}
		p.await(t, "placed", tenant, "placed")
	}
}

// testWholeDeployment has the probe go through ingest, Pub/Sub and a gateway.
func testWholeDeployment(t *testing.T, p *project, f *function, binary string) {
	db, err := gcpfirestore.Open(t.Context(), p.Connection)
	if err != nil {
		t.Fatal(err)
	}
	tenants := tenantcache.New(gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{}), tenantcache.Options{})
	verifier := auth.New(tenants, auth.Options{})
	g, err := gateway.New(gateway.Options{Broker: p.broker, Tenants: tenants, Verifier: verifier, Placement: realtime.Placed(2)})
	if err != nil {
		t.Fatal(err)
	}
	sockets := httptest.NewServer(g)
	// A run's bound is for the real Pub/Sub; the emulator takes its time over a topic that begins to be followed.
	probe := start(t, binary, "probe", append(p.env(), "TIDEWIRE_GATEWAY="+sockets.URL, "TIDEWIRE_INGEST="+f.url, "TIDEWIRE_PROBE_TENANT=acme", "TIDEWIRE_PROBE_TIME=50s")...)
	if a := probe.post(t, "/", "", ""); a.Status != 200 {
		t.Errorf("the probe answered %d: %s", a.Status, a.Raw)
	}
	if line := probe.said("the probe ran"); line["severity"] != "INFO" || line["delivery"] == nil {
		t.Errorf("its log says %v", line)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := errors.Join(g.Close(ctx), verifier.Close(), tenants.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	sockets.Close()
}

// testPubSubDown has a producer that goes on while Pub/Sub is paused: what was answered 200 is there, what was not is 503.
func testPubSubDown(t *testing.T, p *project, f *function) {
	token := signed(t, "acme", time.Hour)
	var stored []string
	refused := 0
	for i := 0; refused < 2 || i < 20; i++ {
		if i == 10 {
			p.pubsub.Pause()
		}
		if refused == 2 {
			p.pubsub.Resume() // it may be called again
		}
		id := fmt.Sprint("down-", i)
		a := f.post(t, fmt.Sprintf(events, "acme"), token, fmt.Sprintf(`{"channel":"prices:fx","data":%d,"id":%q}`, i, id))
		switch {
		case a.Status == 200:
			stored = append(stored, id)
		case a.Status == 503 && a.Header.Get("Retry-After") != "":
			refused++
		default:
			t.Errorf("answered %d, Retry-After %q: %s", a.Status, a.Header.Get("Retry-After"), a.Raw)
		}
	}
	stored = append(stored, f.until(t, 200, "acme", token).Results[0].ID)
	p.await(t, "down", "acme", stored...)
	t.Logf("%d events were stored, and all came; %d were refused while Pub/Sub was paused", len(stored), refused)
}

func testLogout(t *testing.T, p *project, f *function) {
	if err := p.revocations.Revoke(t.Context(), "acme", "ann", time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if a := f.until(t, 401, "acme", signed(t, "acme", time.Hour)); a.Code == "" {
		t.Errorf("answered %s", a.Raw)
	}
}
