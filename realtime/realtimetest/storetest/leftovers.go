package storetest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
)

// Leftovers are a registry and a broker of one driver, with what reads and removes what instances have left there.
type Leftovers struct {
	Registry      realtime.Registry
	Leases        realtime.LeaseStore
	Connections   realtime.ConnectionStore
	Subscriptions realtime.SubscriptionStore
	// Broker makes the Subscriptions; the suite closes it.
	Broker realtime.Broker
	// Topic is one that nobody has used.
	Topic realtime.Topic
}

// TestLeftovers runs the contracts of realtime.LeaseStore, realtime.ConnectionStore and realtime.SubscriptionStore
// against a driver. Each case has stores of its own and runs in parallel with the others.
func TestLeftovers(t *testing.T, h Harness) {
	h = h.withDefaults()
	cases := []struct {
		name string
		run  func(*remains)
	}{
		{"Leases", (*remains).leases},
		{"DropLease", (*remains).dropLease},
		{"Released", (*remains).released},
		{"Instances", (*remains).instances},
		{"ConnectionsOf", (*remains).connectionsOf},
		{"RemovedWhileListed", (*remains).removedWhileListed},
		{"Subscriptions", (*remains).subscriptions},
		{"DeletedUnderAStream", (*remains).deletedUnderAStream},
		{"LoopsThatEnd", (*remains).loopsThatEnd},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := &remains{T: t, harness: h, Leftovers: h.Leftovers(t), now: time.Now().Truncate(time.Millisecond)}
			t.Cleanup(func() {
				if err := a.Broker.Close(context.Background()); err != nil {
					t.Errorf("close the broker: %v", err)
				}
			})
			c.run(a)
		})
	}
}

// remains is where one case of TestLeftovers runs.
type remains struct {
	*testing.T
	Leftovers
	harness Harness
	now     time.Time
}

// every returns all that is yielded.
func every[V any](t *testing.T, what string, all iter.Seq2[V, error]) (got []V) {
	t.Helper()
	for v, err := range all {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got = append(got, v)
	}
	return got
}

// renew writes a lease that ends so long after now, which may be before it.
func (a *remains) renew(instance string, ends time.Duration) realtime.Lease {
	a.Helper()
	lease := realtime.Lease{
		Instance: instance, Service: "gateway", Revision: "r1", Region: "europe-west1", Started: a.now.Add(-2 * time.Hour), Sockets: 3, Until: a.now.Add(ends),
	}
	if err := a.Registry.Renew(a.Context(), lease); err != nil {
		a.Fatal(err)
	}
	return lease
}

// connect writes documents of an instance, good for an hour: one of each tenant.
func (a *remains) connect(instance string, tenants ...string) (docs []realtime.ConnectionDoc) {
	a.Helper()
	for _, tenant := range tenants {
		docs = append(docs, realtime.ConnectionDoc{
			Tenant: tenant, ID: "c-" + instance, User: "ann", Groups: []string{"desk"}, Meta: map[string]string{"a": "b"}, Remote: "::1",
			Instance: instance, Connected: a.now.Add(-time.Hour), Expires: a.now.Add(time.Hour),
		})
	}
	if err := a.Registry.Connect(a.Context(), docs); err != nil {
		a.Fatal(err)
	}
	return docs
}

// leases: those that live and those that have ended are listed, with all that was written.
func (a *remains) leases() {
	want := []realtime.Lease{a.renew("ended", -time.Hour), a.renew("lives", time.Hour), a.renew("odd/name ü", time.Minute)}
	got := every(a.T, "Leases", a.Leases.Leases(a.Context()))
	slices.SortFunc(got, func(x, y realtime.Lease) int { return strings.Compare(x.Instance, y.Instance) })
	if diff := cmp.Diff(want, got); diff != "" {
		a.Errorf("Leases (-want +got):\n%s", diff)
	}
	for _, lease := range want {
		if one, err := a.Leases.Lease(a.Context(), lease.Instance); err != nil || !cmp.Equal(lease, one) {
			a.Errorf("Lease: %+v, %v, want %+v", one, err, lease)
		}
	}
	if _, err := a.Leases.Lease(a.Context(), "nobody"); realtime.CodeOf(err) != realtime.CodeNotFound {
		a.Errorf("a lease that is not there: %v", err)
	}
}

// dropLease: only what was read is removed, and once.
func (a *remains) dropLease() {
	old := a.renew("i1", -time.Hour)
	renewed := a.renew("i1", time.Minute)
	drop := func(lease realtime.Lease, want bool) {
		a.Helper()
		if dropped, err := a.Leases.DropLease(a.Context(), lease); err != nil || dropped != want {
			a.Errorf("DropLease of one that ends at %v: %t, %v, want %t", lease.Until, dropped, err, want)
		}
	}
	drop(old, false)
	if one, err := a.Leases.Lease(a.Context(), "i1"); err != nil || !one.Until.Equal(renewed.Until) {
		a.Errorf("after that: %+v, %v", one, err)
	}
	drop(renewed, true)
	drop(renewed, false)
	if _, err := a.Leases.Lease(a.Context(), "i1"); realtime.CodeOf(err) != realtime.CodeNotFound {
		a.Errorf("one that was dropped: %v", err)
	}
	drop(realtime.Lease{Instance: "nobody"}, false)
}

// released: who has ended in order says so, or is gone.
func (a *remains) released() {
	a.renew("i1", time.Hour)
	if err := a.Registry.Release(a.Context(), "i1"); err != nil {
		a.Fatal(err)
	}
	lease, err := a.Leases.Lease(a.Context(), "i1")
	if realtime.CodeOf(err) == realtime.CodeNotFound {
		return
	}
	if err != nil || lease.Sockets != 0 || lease.Until.After(time.Now().Add(time.Second)) {
		a.Errorf("%+v, %v", lease, err)
	}
	if dropped, err := a.Leases.DropLease(a.Context(), lease); err != nil || !dropped {
		a.Errorf("DropLease: %t, %v", dropped, err)
	}
}

// instances: each is named once, whether it has a lease or not.
func (a *remains) instances() {
	a.renew("lives", time.Hour)
	a.renew("ended", -time.Hour)
	for _, instance := range []string{"lives", "ended", "without", "odd/name ü"} {
		a.connect(instance, "acme", "globex", "initech")
	}
	got := every(a.T, "Instances", a.Connections.Instances(a.Context()))
	slices.Sort(got)
	if diff := cmp.Diff([]string{"ended", "lives", "odd/name ü", "without"}, got); diff != "" {
		a.Errorf("Instances (-want +got):\n%s", diff)
	}
}

// connectionsOf: those of all tenants, with all that was written, and of no other instance.
func (a *remains) connectionsOf() {
	want := a.connect("dead", "acme", "globex")
	a.connect("dea", "acme")
	a.connect("deader", "globex")
	a.renew("deader", time.Hour)
	got := every(a.T, "ConnectionsOf", a.Connections.ConnectionsOf(a.Context(), "dead"))
	slices.SortFunc(got, func(x, y realtime.ConnectionDoc) int { return strings.Compare(x.Tenant, y.Tenant) })
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		a.Errorf("ConnectionsOf (-want +got):\n%s", diff)
	}
	if got := every(a.T, "ConnectionsOf", a.Connections.ConnectionsOf(a.Context(), "nobody")); len(got) != 0 {
		a.Errorf("of an instance without connections: %+v", got)
	}
}

// removedWhileListed: removing what was yielded leaves out nothing that follows.
func (a *remains) removedWhileListed() {
	const n = 1100 // more than a page of any driver
	docs := make([]realtime.ConnectionDoc, n)
	for i := range docs {
		docs[i] = realtime.ConnectionDoc{Tenant: "acme", ID: fmt.Sprintf("c%04d", i), Instance: "dead", Connected: a.now, Expires: a.now.Add(time.Hour)}
	}
	if err := a.Registry.Connect(a.Context(), docs); err != nil {
		a.Fatal(err)
	}
	seen := map[string]bool{}
	var refs []realtime.ConnectionRef
	remove := func() {
		if err := a.Connections.Disconnect(a.Context(), refs); err != nil {
			a.Fatal(err)
		}
		refs = nil
	}
	for d, err := range a.Connections.ConnectionsOf(a.Context(), "dead") {
		if err != nil {
			a.Fatal(err)
		}
		if seen[d.ID] {
			a.Errorf("%s is yielded twice", d.ID)
		}
		seen[d.ID] = true
		if refs = append(refs, realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID}); len(refs) == 200 {
			remove()
		}
	}
	remove()
	if len(seen) != n {
		a.Errorf("%d were yielded of %d", len(seen), n)
	}
	if left := every(a.T, "Instances", a.Connections.Instances(a.Context())); len(left) != 0 {
		a.Errorf("left behind: %q", left)
	}
}

// loopsThatEnd: a loop may end early, and ends with an error when its context does.
func (a *remains) loopsThatEnd() {
	a.renew("i1", time.Hour)
	a.renew("i2", time.Hour)
	a.connect("i1", "acme", "globex")
	a.connect("i2", "acme")
	s := a.follow("i1")
	cancelled, cancel := context.WithCancel(a.Context())
	cancel()
	ends(a.T, "Leases", a.Leases.Leases(a.Context()), a.Leases.Leases(cancelled))
	ends(a.T, "Instances", a.Connections.Instances(a.Context()), a.Connections.Instances(cancelled))
	ends(a.T, "ConnectionsOf", a.Connections.ConnectionsOf(a.Context(), "i1"), a.Connections.ConnectionsOf(cancelled, "i1"))
	ends(a.T, "Subscriptions", a.Subscriptions.Subscriptions(a.Context()), a.Subscriptions.Subscriptions(cancelled))
	if err := s.Close(a.Context()); err != nil {
		a.Error(err)
	}
}

func ends[V any](t *testing.T, what string, good, cancelled iter.Seq2[V, error]) {
	t.Helper()
	yields := false
	for _, err := range good {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		yields = true
		break
	}
	if !yields {
		t.Errorf("%s yields nothing", what)
	}
	var last error
	for _, err := range cancelled {
		if last != nil {
			t.Errorf("%s goes on after an error", what)
		}
		last = err
	}
	if last == nil {
		t.Errorf("%s with a cancelled context yields no error", what)
	}
}
