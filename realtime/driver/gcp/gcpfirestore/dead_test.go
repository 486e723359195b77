package gcpfirestore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
)

// TestWhatTheDeadHaveLeft reads leases and documents of instances that live, have ended and have died.
func TestWhatTheDeadHaveLeft(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := gcpfirestore.NewRegistry(fresh(t), gcpfirestore.RegistryOptions{Timeout: time.Minute})
	now := time.Now().Truncate(time.Microsecond).UTC()
	until := map[string]time.Time{"alive": now.Add(time.Hour), "dead": now.Add(-time.Hour), "ended/%": now.Add(time.Hour)}
	for instance, end := range until {
		if err := r.Renew(ctx, realtime.Lease{Instance: instance, Service: "gateway", Started: now, Sockets: 3, Until: end}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Release(ctx, "ended/%"); err != nil {
		t.Fatal(err)
	}
	const of = 1100 // each, which is more than two pages
	for _, instance := range []string{"alive", "dead", "without a lease", "ended/%"} {
		var docs []realtime.ConnectionDoc
		for i := range of {
			docs = append(docs, realtime.ConnectionDoc{
				Tenant: []string{"acme", "globex"}[i%2], ID: fmt.Sprint(instance, i), User: "ann", Instance: instance, Connected: now, Expires: now.Add(-time.Minute),
			})
		}
		if err := r.Connect(ctx, docs); err != nil {
			t.Fatal(err)
		}
	}

	sockets := map[string]int{}
	for l, err := range r.Leases(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		sockets[l.Instance] = l.Sockets
		if one, err := r.Lease(ctx, l.Instance); err != nil || !cmp.Equal(one, l) {
			t.Errorf("one by one %+v is %+v, %v", l, one, err)
		}
	}
	if diff := cmp.Diff(map[string]int{"alive": 3, "dead": 3, "ended/%": 0}, sockets); diff != "" {
		t.Error(diff)
	}
	if _, err := r.Lease(ctx, "without a lease"); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Errorf("a lease that is not there: %v", err)
	}

	var instances []string
	for instance, err := range r.Instances(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		instances = append(instances, instance)
	}
	if diff := cmp.Diff([]string{"alive", "dead", "ended/%", "without a lease"}, instances); diff != "" {
		t.Error(diff)
	}

	seen := map[realtime.ConnectionRef]bool{}
	for d, err := range r.ConnectionsOf(ctx, "ended/%") {
		if err != nil {
			t.Fatal(err)
		}
		if d.Instance != "ended/%" || d.User != "ann" || !d.Connected.Equal(now) {
			t.Fatalf("%+v", d)
		}
		ref := realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID}
		seen[ref] = true
		if len(seen)%100 == 1 { // while it goes on
			if err := r.Disconnect(ctx, []realtime.ConnectionRef{ref}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != of {
		t.Errorf("%d connections of one instance, want %d", len(seen), of)
	}
}

func TestALeaseIsDroppedAsItWasRead(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := gcpfirestore.NewRegistry(fresh(t), gcpfirestore.RegistryOptions{Timeout: time.Minute})
	old := realtime.Lease{Instance: "i1", Sockets: 1, Until: time.Now().Add(-time.Hour)}
	if err := r.Renew(ctx, old); err != nil {
		t.Fatal(err)
	}
	read, err := r.Lease(ctx, "i1")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Renew(ctx, realtime.Lease{Instance: "i1", Sockets: 1, Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if dropped, err := r.DropLease(ctx, read); dropped || err != nil {
		t.Errorf("one that was renewed: %t, %v", dropped, err)
	}
	if read, err = r.Lease(ctx, "i1"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if dropped, err := r.DropLease(ctx, read); dropped != want || err != nil {
			t.Errorf("dropped %t, want %t: %v", dropped, want, err)
		}
	}
	for l, err := range r.Leases(ctx) {
		t.Errorf("%v is left, %v", l, err)
	}
}
