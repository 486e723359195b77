package backend_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/backend"
)

// What one process opened writes and publishes, another has.
func TestOpenGCP(t *testing.T) {
	t.Parallel()
	o := backend.Options{PubSubEmulator: servers.PubSub(t), FirestoreEmulator: servers.Firestore(t), Shards: 2}
	spec := "gcp:" + emulators.Project(t)
	var opened [2]*backend.Backend
	for i := range opened {
		b, err := backend.Open(t.Context(), spec, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		opened[i] = b
	}
	here, there := opened[0], opened[1]
	doc := &realtime.Tenant{ID: "acme", Placement: realtime.PlacementPooled}
	for range 2 { // it may be repeated
		if err := here.EnsureTenant(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	acme, err := there.Tenants.Tenant(t.Context(), "acme")
	if err != nil || acme.Placement != realtime.PlacementPooled {
		t.Fatalf("the document is %+v, %v", acme, err)
	}
	stream, err := there.Broker.Follow(t.Context(), there.Placement(acme), realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close(t.Context())
	stored := make(chan error, 1)
	ch, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		t.Fatal(err)
	}
	here.Broker.Publish(t.Context(), here.Placement(doc), &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: ch, ID: "1", Data: []byte("1")}}, func(err error) { stored <- err })
	if err := <-stored; err != nil {
		t.Fatal(err)
	}
	got, err := stream.Receive(t.Context())
	if err != nil || len(got) != 1 || got[0].ID != "1" || got[0].Channel != ch {
		t.Errorf("came %+v, %v", got, err)
	}

	until := time.Now().Add(time.Hour)
	if err := here.Registry.Renew(t.Context(), realtime.Lease{Instance: "i1", Started: time.Now(), Until: until}); err != nil {
		t.Fatal(err)
	}
	if err := here.Registry.Connect(t.Context(), []realtime.ConnectionDoc{{Tenant: "acme", ID: "c1", User: "ann", Instance: "i1", Connected: time.Now(), Expires: until}}); err != nil {
		t.Fatal(err)
	}
	page, err := there.Registry.Connections(t.Context(), "acme", realtime.ConnectionQuery{})
	if err != nil || len(page.Connections) != 1 {
		t.Errorf("connections %+v, %v", page, err)
	}
	before := time.Now().Truncate(time.Second)
	if err := here.Revocations.Revoke(t.Context(), "acme", "ann", before, until); err != nil {
		t.Fatal(err)
	}
	if at, err := there.Revocations.RevokedBefore(t.Context(), "acme", "ann"); err != nil || !at.Equal(before) {
		t.Errorf("revoked before %v, %v", at, err)
	}
}

// What topics keep is said once: topics are made so, the broker says so, and rules that reach further back are refused with that.
func TestRetention(t *testing.T) {
	t.Parallel()
	o := backend.Options{PubSubEmulator: servers.PubSub(t), FirestoreEmulator: servers.Firestore(t), Retention: 24 * time.Hour}
	b, err := backend.Open(t.Context(), "gcp:"+emulators.Project(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if kept := realtime.RetentionOf(b.Broker); kept != 24*time.Hour {
		t.Errorf("the broker says %s", kept)
	}
	rule := func(long time.Duration) *realtime.Tenant {
		return &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"news": {History: &realtime.History{For: realtime.Duration(long)}}}}
	}
	if err := b.EnsureTenant(t.Context(), rule(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if doc, err := b.Tenants.Tenant(t.Context(), "acme"); err != nil || doc.Namespaces["news"].History.For != realtime.Duration(24*time.Hour) {
		t.Errorf("the document is %+v, %v", doc, err)
	}
	err = b.EnsureTenant(t.Context(), rule(25*time.Hour))
	if realtime.CodeOf(err) != realtime.CodeBadRequest || !strings.Contains(err.Error(), "namespaces.news.history.for: must be at most 24h, because a topic keeps no more, got 25h") {
		t.Errorf("beyond what is kept: %v", err)
	}
	if _, err := backend.Open(t.Context(), "memory", backend.Options{Retention: time.Hour}); err == nil || !strings.Contains(err.Error(), "retention") {
		t.Errorf("memory: %v", err)
	}
	s, err := b.Broker.Follow(t.Context(), b.Placement(rule(0)), realtime.Following{Instance: "i1", Generation: 1, Since: time.Now().Add(-20 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if since := s.CompleteSince(); since.After(time.Now().Add(-19 * time.Hour)) {
		t.Errorf("a replay of 20 hours is complete since %s", since)
	}
}
