package backend_test

import (
	"context"
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
