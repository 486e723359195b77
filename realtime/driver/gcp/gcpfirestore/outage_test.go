package gcpfirestore_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// outage is a Firestore of its own, which a test stops.
type outage struct {
	*testing.T
	registry    *gcpfirestore.Registry
	revocations *gcpfirestore.Revocations
	tenants     *tenantcache.Cache
}

// calls makes every call that a process makes of Firestore, all at one time.
func (o *outage) calls(ctx context.Context) map[string]error {
	now := time.Now()
	doc := realtime.ConnectionDoc{Tenant: "acme", ID: "c1", User: "ann", Instance: "i1", Connected: now, Expires: now.Add(time.Hour)}
	calls := map[string]func() error{
		"Renew": func() error {
			return o.registry.Renew(ctx, realtime.Lease{Instance: "i1", Until: now.Add(time.Minute)})
		},
		"Connect":    func() error { return o.registry.Connect(ctx, []realtime.ConnectionDoc{doc}) },
		"Disconnect": func() error { return o.registry.Disconnect(ctx, []realtime.ConnectionRef{{Tenant: "acme", ID: "c2"}}) },
		"Release":    func() error { return o.registry.Release(ctx, "i2") },
		"Connections": func() error {
			_, err := o.registry.Connections(ctx, "acme", realtime.ConnectionQuery{})
			return err
		},
		"a connection": func() error {
			_, err := o.registry.Connections(ctx, "acme", realtime.ConnectionQuery{ID: "c1"})
			return err
		},
		"Instances": func() (err error) {
			for _, err = range o.registry.Instances(ctx) {
			}
			return err
		},
		"Revoke": func() error { return o.revocations.Revoke(ctx, "acme", "ann", now, now.Add(time.Hour)) },
		"RevokedBefore": func() error {
			_, err := o.revocations.RevokedBefore(ctx, "acme", "ann")
			return err
		},
		"Tenant": func() error {
			_, err := o.tenants.Tenant(ctx, "globex")
			if realtime.CodeOf(err) == realtime.CodeNotFound {
				return nil
			}
			return err
		},
		"List": func() error {
			_, _, err := o.tenants.List(ctx, "", 0)
			return err
		},
		"Put": func() error {
			_, err := o.tenants.Put(ctx, &realtime.Tenant{ID: "initech"})
			if realtime.CodeOf(err) == realtime.CodeConflict { // it is there since the last time
				return nil
			}
			return err
		},
		"Stored": func() error {
			_, err := o.tenants.Stored(ctx, "initech")
			if realtime.CodeOf(err) == realtime.CodeNotFound {
				return nil
			}
			return err
		},
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	failed := map[string]error{}
	for what, call := range calls {
		all.Go(func() {
			err := call()
			mu.Lock()
			failed[what] = err
			mu.Unlock()
		})
	}
	all.Wait()
	return failed
}

// down wants every call to say that it is down, within the time it is given.
func (o *outage) down() {
	o.Helper()
	ctx, cancel := context.WithTimeout(o.Context(), 500*time.Millisecond)
	defer cancel()
	for what, err := range o.calls(ctx) {
		e := (*realtime.Error)(nil)
		if !errors.As(err, &e) || e.Code != realtime.CodeUnavailable || e.RetryAfter <= 0 {
			o.Errorf("%s: %v, want %s with a time to come back", what, err, realtime.CodeUnavailable)
		}
	}
}

// back waits until every call works again.
func (o *outage) back() {
	o.Helper()
	for end := time.Now().Add(2 * patience); ; {
		var failed error
		for what, err := range o.calls(o.Context()) {
			if err != nil {
				failed = errors.Join(failed, errors.New(what), err)
			}
		}
		if failed == nil {
			return
		}
		if time.Now().After(end) {
			o.Fatalf("it does not come back: %v", failed)
		}
	}
}

// TestWithoutFirestore: it is down at the start, comes up, hangs, goes on, ends and comes back empty. Every call says so
// in its time, known tenants serve on, and all of it comes back by itself.
func TestWithoutFirestore(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, addr, emulators.Project(t))
	o := &outage{
		T: t, registry: gcpfirestore.NewRegistry(db, gcpfirestore.RegistryOptions{}),
		revocations: gcpfirestore.NewRevocations(db, gcpfirestore.RevocationsOptions{}), tenants: tenants(t, db, gcpfirestore.TenantsOptions{Timeout: time.Second}),
	}
	o.down()
	server, err := emulators.StartFirestoreAt(t.Context(), addr)
	emulators.Check(t, err)
	t.Cleanup(server.Kill)
	o.back()
	if _, err := o.tenants.Put(t.Context(), &realtime.Tenant{ID: "acme", Suspended: true}); err != nil {
		t.Fatal(err)
	}
	serves := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if doc, err := o.tenants.Tenant(ctx, "acme"); err != nil || !doc.Suspended {
			t.Errorf("a known tenant: %+v, %v", doc, err)
		}
	}
	server.Pause()
	o.downSoon()
	serves()
	server.Resume()
	o.back()
	server.Kill()
	o.downSoon()
	serves()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.back()
}

// downSoon is down once Tenants has noticed: until then it may answer that there is no such tenant, which it knows for a moment.
func (o *outage) downSoon() {
	o.Helper()
	for end := time.Now().Add(patience); ; {
		ctx, cancel := context.WithTimeout(o.Context(), 100*time.Millisecond)
		_, err := o.tenants.Tenant(ctx, "globex")
		cancel()
		if realtime.CodeOf(err) == realtime.CodeUnavailable {
			break
		}
		if time.Now().After(end) {
			o.Fatalf("an unknown tenant: %v", err)
		}
	}
	o.down()
}
