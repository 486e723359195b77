package gcpfirestore_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
)

// malformedCount counts malformed documents by their kind.
type malformedCount struct {
	realtime.NoMetrics
	mu sync.Mutex // guards n
	n  map[string]int
}

func (c *malformedCount) Add(counter realtime.Counter, _ string, reason realtime.Reason, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kind, ok := strings.CutPrefix(string(reason), "firestore malformed "); ok && counter == realtime.CountBackendErrors {
		if c.n == nil {
			c.n = map[string]int{}
		}
		c.n[kind] += n
	}
}

// take returns how many of a kind were counted since it was asked last.
func (c *malformedCount) take(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n[kind]
	delete(c.n, kind)
	return n
}

// TestMalformedDocumentsAreCounted spoils each field of each kind of document, one at a time, and reads it in every way in which
// it is read: each time it is counted as what it is, and nothing that is good is.
func TestMalformedDocumentsAreCounted(t *testing.T) {
	t.Parallel()
	ctx, db, metrics := t.Context(), fresh(t), &malformedCount{}
	now := time.Now()
	registry := gcpfirestore.NewRegistry(db, gcpfirestore.RegistryOptions{Timeout: patience, Metrics: metrics})
	logouts := gcpfirestore.NewRevocations(db, gcpfirestore.RevocationsOptions{Metrics: metrics})
	all := tenants(t, db, gcpfirestore.TenantsOptions{Timeout: patience, Metrics: metrics})
	acme := db.Collection("tenants").Doc("acme")
	ignore := func(error) {}
	kinds := []struct {
		kind string
		doc  map[string]any // a good one
		at   func(name string) *firestore.DocumentRef
		read map[string]func(name string)
	}{
		{
			"tenant", map[string]any{"limits": map[string]any{"connections": 5}, "origins": []any{"https://a.example"}, "suspended": false, "auth": map[string]any{"issuer": "x"}, "namespaces": map[string]any{}, "placement": "own"},
			func(name string) *firestore.DocumentRef { return db.Collection("tenants").Doc(name) },
			map[string]func(string){
				"Tenant": func(name string) { _, err := all.Tenant(ctx, name); ignore(err) },
				"Stored": func(name string) { _, err := all.Stored(ctx, name); ignore(err) },
			},
		},
		{
			"logout", map[string]any{"revokedBefore": now, "expireAt": now.Add(time.Hour)},
			func(name string) *firestore.DocumentRef { return acme.Collection("users").Doc(name) },
			map[string]func(string){
				"RevokedBefore": func(name string) { _, err := logouts.RevokedBefore(ctx, "acme", name); ignore(err) },
				"Revoke":        func(name string) { ignore(logouts.Revoke(ctx, "acme", name, now, now.Add(time.Hour))) },
			},
		},
		{
			"connection", map[string]any{"user": "ann", "groups": []any{"desk"}, "instance": "i1", "meta": map[string]any{"a": "b"}, "remote": "::1", "connectedAt": now, "expireAt": now.Add(time.Hour)},
			func(name string) *firestore.DocumentRef { return acme.Collection("connections").Doc(name) },
			map[string]func(string){
				"Connections": func(name string) {
					_, err := registry.Connections(ctx, "acme", realtime.ConnectionQuery{ID: name})
					ignore(err)
				},
			},
		},
		{
			"lease", map[string]any{"service": "s", "revision": "r", "region": "eu", "started": now, "sockets": 1, "leaseUntil": now.Add(time.Minute), "expireAt": now.Add(time.Hour)},
			func(name string) *firestore.DocumentRef { return db.Collection("instances").Doc(name) },
			map[string]func(string){
				"Lease":     func(name string) { _, err := registry.Lease(ctx, name); ignore(err) },
				"DropLease": func(name string) { _, err := registry.DropLease(ctx, realtime.Lease{Instance: name}); ignore(err) },
				"leases of connections": func(name string) {
					ignore(registry.Connect(ctx, []realtime.ConnectionDoc{{Tenant: "globex", ID: name, Instance: name, Expires: now.Add(time.Hour)}}))
					_, err := registry.Connections(ctx, "globex", realtime.ConnectionQuery{ID: name})
					ignore(err)
				},
			},
		},
	}
	for _, k := range kinds {
		for way, read := range k.read {
			name := strings.ToLower("good-" + strings.ReplaceAll(way, " ", "-"))
			set(t, k.at(name), k.doc)
			if read(name); metrics.take(k.kind) != 0 {
				t.Errorf("a good %s is counted by %s", k.kind, way)
			}
			for field := range k.doc {
				for what, value := range map[string]any{"bytes": []byte{0xFF}, "nan": math.NaN()} {
					if _, takes := k.doc[field].(string); takes && what == "nan" {
						value = []any{"a"}
					}
					name := strings.ToLower(strings.Join([]string{"spoilt", field, what, strings.ReplaceAll(way, " ", "-")}, "-"))
					doc := maps.Clone(k.doc)
					doc[field] = value
					set(t, k.at(name), doc)
					if read(name); metrics.take(k.kind) != 1 {
						t.Errorf("%s of a %s is %s, and %s does not count it once", field, k.kind, what, way)
					}
				}
			}
		}
	}
	set(t, acme.Collection("users").Doc("empty"), map[string]any{})
	if _, err := logouts.RevokedBefore(ctx, "acme", "empty"); realtime.CodeOf(err) != realtime.CodeUnavailable || metrics.take("logout") != 1 {
		t.Errorf("a logout that says nothing: %v", err)
	}
	set(t, db.Collection("tenants").Doc("No Tenant"), map[string]any{})
	if _, _, err := all.List(ctx, "", 1000); err != nil || metrics.take("tenant") != 1 {
		t.Errorf("a document of no tenant is not counted: %v", err)
	}
}

// spoilt are values that no field of a document may have, or none of ours has.
func spoilt() map[string]any {
	return map[string]any{
		"user": 7, "groups": "desk", "instance": map[string]any{"a": 1}, "meta": []any{"a"}, "remote": true, "connectedAt": "yesterday", "expireAt": "tomorrow",
	}
}

// TestMalformedConnections: of documents that hold what nobody of us writes the rest of a page, and of the janitor's lists,
// knows nothing; each is counted, and those that name an instance can be removed with it.
func TestMalformedConnections(t *testing.T) {
	t.Parallel()
	ctx, db, metrics := t.Context(), fresh(t), &malformedCount{}
	r := gcpfirestore.NewRegistry(db, gcpfirestore.RegistryOptions{Timeout: patience, Metrics: metrics})
	now := time.Now()
	if err := r.Renew(ctx, realtime.Lease{Instance: "i1", Sockets: 1, Until: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	good := realtime.ConnectionDoc{Tenant: "acme", ID: "good", User: "ann", Instance: "i1", Connected: now, Expires: now.Add(time.Hour)}
	if err := r.Connect(ctx, []realtime.ConnectionDoc{good}); err != nil {
		t.Fatal(err)
	}
	all := db.Collection("tenants").Doc("acme").Collection("connections")
	of := 0 // i1
	for field, value := range spoilt() {
		doc := map[string]any{"user": "ann", "instance": "i1", "connectedAt": now, "expireAt": now.Add(time.Hour)}
		doc[field] = value
		set(t, all.Doc("spoilt-"+field), doc)
		if field != "instance" {
			of++
		}
	}
	set(t, all.Doc("empty"), map[string]any{})
	set(t, db.Collection("tenants").Doc("NO_TENANT").Collection("connections").Doc("c"), map[string]any{"instance": "i1", "expireAt": now.Add(time.Hour)})

	page, err := r.Connections(ctx, "acme", realtime.ConnectionQuery{})
	if err != nil || len(page.Connections) != 1 || page.Connections[0].ID != "good" {
		t.Errorf("Connections: %+v, %v", page, err)
	}
	if n := metrics.take("connection"); n != len(spoilt())+1 {
		t.Errorf("%d were counted", n)
	}
	var instances []string
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for instance, err := range r.Instances(bounded) {
		if err != nil {
			t.Fatal(err)
		}
		instances = append(instances, instance)
	}
	if fmt.Sprint(instances) != "[i1]" {
		t.Errorf("Instances: %q", instances)
	}
	var refs []realtime.ConnectionRef
	bad := 0
	for d, err := range r.ConnectionsOf(ctx, "i1") {
		if err != nil {
			t.Fatal(err)
		}
		if d.Check() != nil {
			bad++
		}
		refs = append(refs, realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID})
	}
	if bad != of || len(refs) != of+1 {
		t.Errorf("ConnectionsOf: %d malformed of %d", bad, len(refs))
	}
	if err := r.Disconnect(ctx, refs); err != nil {
		t.Error(err)
	}
}

// TestMalformedLeases: an instance whose lease is malformed has none, and has not said that it ended in order.
func TestMalformedLeases(t *testing.T) {
	t.Parallel()
	ctx, db, metrics := t.Context(), fresh(t), &malformedCount{}
	r := gcpfirestore.NewRegistry(db, gcpfirestore.RegistryOptions{Timeout: patience, Metrics: metrics})
	now := time.Now()
	for name, doc := range map[string]map[string]any{
		"text": {"leaseUntil": "tomorrow", "sockets": 1}, "for ever": {"leaseUntil": now.Add(365 * 24 * time.Hour), "sockets": 1},
		"sockets": {"leaseUntil": now.Add(time.Minute), "sockets": "many"}, "negative": {"leaseUntil": now.Add(time.Minute), "sockets": -5},
	} {
		set(t, db.Collection("instances").Doc(name), doc)
		if err := r.Connect(ctx, []realtime.ConnectionDoc{{Tenant: "acme", ID: name, Instance: name, Expires: now.Add(time.Hour)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Renew(ctx, realtime.Lease{Instance: "good", Sockets: 1, Until: now.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for lease, err := range r.Leases(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, lease.Instance)
		if lease.Instance == "good" {
			continue
		}
		if !lease.Until.IsZero() || lease.Sockets != -1 {
			t.Errorf("%+v", lease)
		}
		if dropped, err := r.DropLease(ctx, lease); !dropped || err != nil {
			t.Errorf("drop %s: %v %v", lease.Instance, dropped, err)
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, ","); got != "for ever,good,negative,sockets,text" {
		t.Errorf("Leases: %s", got)
	}
	page, err := r.Connections(ctx, "acme", realtime.ConnectionQuery{})
	if err != nil || len(page.Connections) != 0 {
		t.Errorf("Connections: %+v, %v", page, err)
	}
	if metrics.take("lease") == 0 {
		t.Error("nothing was counted")
	}
}

// TestMalformedLogout: nobody knows which tokens are good, until the next logout.
func TestMalformedLogout(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), fresh(t)
	r := gcpfirestore.NewRevocations(db, gcpfirestore.RevocationsOptions{})
	set(t, db.Collection("tenants").Doc("acme").Collection("users").Doc("ann"), map[string]any{"revokedBefore": "yesterday"})
	if _, err := r.RevokedBefore(ctx, "acme", "ann"); realtime.CodeOf(err) != realtime.CodeUnavailable {
		t.Errorf("RevokedBefore: %v", err)
	}
	before := time.Now().Truncate(time.Millisecond)
	if err := r.Revoke(ctx, "acme", "ann", before, before.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if at, err := r.RevokedBefore(ctx, "acme", "ann"); err != nil || !at.Equal(before) {
		t.Errorf("RevokedBefore: %v, %v", at, err)
	}
}

// TestMalformedTenant: the last good document serves on.
func TestMalformedTenant(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), fresh(t)
	all := tenants(t, db, gcpfirestore.TenantsOptions{Timeout: patience})
	for name, value := range map[string]any{
		"limits": "none", "namespaces": map[string]any{"prices": map[string]any{"overflow": "sometimes"}}, "surprise": 1, "auth": []any{1}, "suspended": "no",
	} {
		id := strings.ToLower(name)
		if _, err := all.Put(ctx, &realtime.Tenant{ID: id, Origins: []string{"https://one.example"}}); err != nil {
			t.Fatal(err)
		}
		set(t, db.Collection("tenants").Doc(id), map[string]any{name: value, "updatedAt": firestore.ServerTimestamp})
	}
	// What is good and was written later is there: so what is malformed has been read.
	set(t, db.Collection("tenants").Doc("later"), map[string]any{"updatedAt": firestore.ServerTimestamp})
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := all.Tenant(ctx, "later"); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a good document does not come")
		}
	}
	for _, id := range []string{"limits", "namespaces", "surprise", "auth", "suspended"} {
		if doc, err := all.Tenant(ctx, id); err != nil || len(doc.Origins) != 1 {
			t.Errorf("%s: %+v, %v", id, doc, err)
		}
	}
}

func set(t *testing.T, ref *firestore.DocumentRef, doc map[string]any) {
	t.Helper()
	if _, err := ref.Set(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
}
