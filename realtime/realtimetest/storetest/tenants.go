package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// TestTenants runs the contract of realtime.TenantStore against a driver. Each
// case has a store of its own and runs in parallel with the others.
func TestTenants(t *testing.T, h Harness) {
	h = h.withDefaults()
	cases := []struct {
		name string
		run  func(*files)
	}{
		{"Put", (*files).put},
		{"Unknown", (*files).unknown},
		{"SameValueUntilItChanges", (*files).sameValue},
		{"ChangeArrives", (*files).changeArrives},
		{"NewArrives", (*files).newArrives},
		{"BadDocument", (*files).badDocument},
		{"List", (*files).list},
		{"CompareAndSet", (*files).compareAndSet},
		{"WritersTogether", (*files).writersTogether},
		{"StoredIsFresh", (*files).storedIsFresh},
		{"Deleted", (*files).deleted},
		{"Cancelled", (*files).cancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stores := h.Tenants(t)
			c.run(&files{T: t, store: stores[0], other: stores[1], patience: h.Patience})
		})
	}
}

// files is where one case of TestTenants runs.
type files struct {
	*testing.T
	store, other realtime.TenantStore
	patience     time.Duration
}

// write puts a document in the place of what is there.
func (f *files) write(doc *realtime.Tenant) *realtime.Tenant {
	f.Helper()
	next := *doc
	if stored, err := f.store.Stored(f.Context(), doc.ID); err == nil {
		next.Version = stored.Version
	}
	written, err := f.store.Put(f.Context(), &next)
	if err != nil {
		f.Fatalf("put %s: %v", doc.ID, err)
	}
	return written
}

// words is a document without its version.
func words(doc *realtime.Tenant) *realtime.Tenant {
	copied := *doc
	copied.Version = 0
	return &copied
}

func (f *files) read(s realtime.TenantStore, id string) *realtime.Tenant {
	f.Helper()
	doc, err := s.Tenant(f.Context(), id)
	if err != nil {
		f.Fatalf("tenant %s: %v", id, err)
	}
	return doc
}

// soon waits until the other process sees the tenant as it is to be.
func (f *files) soon(id string, is func(*realtime.Tenant) bool) *realtime.Tenant {
	f.Helper()
	return f.eventually(id, func(doc *realtime.Tenant, err error) bool { return err == nil && is(doc) })
}

// eventually waits until what the other process says of the tenant is as it is to be.
func (f *files) eventually(id string, is func(*realtime.Tenant, error) bool) *realtime.Tenant {
	f.Helper()
	late := time.After(f.patience)
	for {
		doc, err := f.other.Tenant(f.Context(), id)
		if is(doc, err) {
			return doc
		}
		if err != nil && realtime.CodeOf(err) != realtime.CodeNotFound {
			f.Fatalf("tenant %s: %v", id, err)
		}
		select {
		case <-late:
			f.Fatalf("tenant %s is %+v, %v after %v", id, doc, err, f.patience)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// whole is acme with every field set.
func whole() *realtime.Tenant {
	return &realtime.Tenant{
		ID: "acme",
		Auth: realtime.Auth{
			Issuer: "https://issuer", Audience: []string{"a", "b"}, JWKSURL: "https://keys", AllowQuery: true,
			Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: "s"}, {KID: "k2", Alg: "RS256", PEM: "p"}},
		},
		Origins: []string{"https://*.example.com", "*"},
		Namespaces: map[string]realtime.Namespace{
			"prices": {Window: 1000, WindowFor: realtime.Duration(2 * time.Minute), Overflow: realtime.OverflowConflate, Tick: realtime.Duration(20 * time.Millisecond)},
			"a.b/c":  {Window: 1},
			"*":      {Overflow: realtime.OverflowDropOldest},
		},
		Limits:    realtime.Limits{Connections: 1000, MessageBytes: 65536},
		Placement: realtime.PlacementPooled, Suspended: true,
	}
}

func (f *files) put() {
	doc := whole()
	f.write(doc)
	f.write(&realtime.Tenant{ID: "globex"})
	for i, s := range []realtime.TenantStore{f.store, f.other} {
		if diff := cmp.Diff(whole(), words(f.read(s, "acme"))); diff != "" {
			f.Errorf("store %d (-put +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(&realtime.Tenant{ID: "globex"}, words(f.read(s, "globex"))); diff != "" {
			f.Errorf("store %d (-put +got):\n%s", i, diff)
		}
	}
}

func (f *files) unknown() {
	f.write(&realtime.Tenant{ID: "acme"})
	for _, id := range []string{"globex", "globex", "acm", "acmee", "Acme", "", "a/b", "..", "__acme__", "acme/connections/x"} {
		if doc, err := f.store.Tenant(f.Context(), id); doc != nil || realtime.CodeOf(err) != realtime.CodeNotFound {
			f.Errorf("tenant %q: %+v, %v, want %s", id, doc, err, realtime.CodeNotFound)
		}
	}
}

func (f *files) sameValue() {
	f.write(whole())
	first := f.read(f.other, "acme")
	for range 10 {
		if again := f.read(f.other, "acme"); again != first {
			f.Fatal("a document that did not change is another value")
		}
	}
}

func (f *files) changeArrives() {
	f.write(whole())
	old := f.read(f.other, "acme")
	changed := whole()
	changed.Suspended = false
	changed.Limits.Connections = 7
	changed.Namespaces = nil
	f.write(changed)
	if got := f.read(f.store, "acme"); got.Suspended || got.Limits.Connections != 7 || got.Namespaces != nil {
		f.Errorf("who wrote it reads %+v", got)
	}
	got := f.soon("acme", func(t *realtime.Tenant) bool { return t.Limits.Connections == 7 })
	if diff := cmp.Diff(changed, words(got)); diff != "" {
		f.Errorf("(-put +got):\n%s", diff)
	}
	if diff := cmp.Diff(whole(), words(old)); diff != "" {
		f.Errorf("the value that was handed out has changed (-put +now):\n%s", diff)
	}
}

func (f *files) newArrives() {
	if _, err := f.other.Tenant(f.Context(), "acme"); realtime.CodeOf(err) != realtime.CodeNotFound {
		f.Fatalf("before it is there: %v", err)
	}
	f.write(whole())
	f.read(f.store, "acme")
	f.soon("acme", func(*realtime.Tenant) bool { return true })
}

func (f *files) badDocument() {
	f.write(&realtime.Tenant{ID: "acme"})
	for _, doc := range []*realtime.Tenant{{ID: "acme", Placement: "moon"}, {ID: "Acme"}, {ID: ""}, {ID: "a/b"}} {
		if _, err := f.store.Put(f.Context(), doc); realtime.CodeOf(err) != realtime.CodeBadRequest {
			f.Errorf("put %+v: %v, want %s", doc, err, realtime.CodeBadRequest)
		}
	}
	if got := f.read(f.store, "acme"); got.Placement != "" {
		f.Errorf("what was refused is there: %+v", got)
	}
}

func (f *files) list() {
	var want []string
	for i := range 23 {
		want = append(want, fmt.Sprintf("t-%02d", i))
		f.write(&realtime.Tenant{ID: fmt.Sprintf("t-%02d", 22-i)})
	}
	for _, limit := range []int{0, 1, 7, 23, 1000} {
		var got []string
		for after, more := "", true; more; more = after != "" {
			ids, next, err := f.other.List(f.Context(), after, limit)
			if err != nil {
				f.Fatal(err)
			}
			if limit > 0 && len(ids) > limit {
				f.Errorf("a page of %d, limit %d", len(ids), limit)
			}
			got, after = append(got, ids...), next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			f.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	if ids, _, err := f.store.List(f.Context(), "t-210", 5); err != nil || !cmp.Equal(ids, []string{"t-22"}) {
		f.Errorf("after one that is not there: %v, %v", ids, err)
	}
	for _, limit := range []int{-1, 1001} {
		if _, _, err := f.store.List(f.Context(), "", limit); realtime.CodeOf(err) != realtime.CodeBadRequest {
			f.Errorf("limit %d: %v, want %s", limit, err, realtime.CodeBadRequest)
		}
	}
}

func (f *files) cancelled() {
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	if _, err := f.store.Put(ctx, whole()); err == nil {
		f.Error("Put with a cancelled context returned no error")
	}
	if _, _, err := f.store.List(ctx, "", 0); err == nil {
		f.Error("List with a cancelled context returned no error")
	}
}
