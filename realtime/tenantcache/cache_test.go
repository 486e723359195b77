package tenantcache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/strict"
)

// cabinet is a store of tenant documents that can be closed.
type cabinet struct {
	realtime.TenantStore // nil: a cache asks for nothing of it but to write

	mu        sync.Mutex // guards what follows
	malformed int        // that were told of
	down      bool
	panics    bool          // where it is down
	held      chan struct{} // not nil: readings wait for it, and bring what was there when they began
	docs      map[string]realtime.TenantState
	reads     int
	polls     int
	changes   map[string]time.Time // what a poll finds, and since when
}

func newCabinet() *cabinet {
	return &cabinet{docs: map[string]realtime.TenantState{}, changes: map[string]time.Time{}}
}

// put writes a document as Put does, or as somebody by hand who leaves updatedAt as it is.
func (c *cabinet) put(id, text string, byHand bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.docs[id] = stateOf(id, text, now)
	if !byHand {
		c.changes[id] = now
	}
}

// stateOf is what a driver makes of the text of a document.
func stateOf(id, text string, written time.Time) realtime.TenantState {
	doc := &realtime.Tenant{}
	err := strict.Decode("the document", []byte(text), doc)
	doc.ID, doc.Version = id, written.UnixNano()
	if err == nil {
		err = doc.Check()
	}
	if err != nil {
		doc = nil
	}
	return realtime.TenantState{ID: id, Exists: true, Version: written.UnixNano(), Doc: doc, Fault: err}
}

func (c *cabinet) Malformed(context.Context, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.malformed++
}

func (c *cabinet) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.docs, id)
	delete(c.changes, id)
}

func (c *cabinet) set(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *cabinet) count() (reads, polls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads, c.polls
}

// wait is what a call takes: none, or all the time there is when it is down, as the client of Firestore does.
func (c *cabinet) wait(ctx context.Context) error {
	c.mu.Lock()
	down, panics := c.down, c.panics
	c.mu.Unlock()
	switch {
	case !down:
		return nil
	case panics:
		panic("a fault of the store")
	}
	<-ctx.Done()
	return ctx.Err()
}

func (c *cabinet) Read(ctx context.Context, id string) (realtime.TenantState, error) {
	c.mu.Lock()
	c.reads++
	v, held := c.docs[id], c.held
	c.mu.Unlock()
	v.ID = id
	if held != nil {
		<-held
	}
	return v, c.wait(ctx)
}

func (c *cabinet) Changed(ctx context.Context, since time.Time) ([]realtime.TenantState, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polls++
	var all []realtime.TenantState
	for _, id := range slices.Sorted(maps.Keys(c.changes)) {
		if c.changes[id].After(since) {
			all = append(all, c.docs[id])
		}
	}
	return all, nil
}

// cached runs a test with a cache on virtual time.
func cached(t *testing.T, test func(t *testing.T, tenants *Cache, source *cabinet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		source := newCabinet()
		tenants := New(source, Options{
			Poll: 2 * time.Second, Outage: time.Hour, Timeout: 5 * time.Second, Logger: slog.New(slog.DiscardHandler),
		})
		defer func() { _ = tenants.Close() }() // it returns no error
		test(t, tenants, source)
	})
}

// want fails unless the tenant has this limit of connections, or the answer is an error of the code.
func want(t *testing.T, tenants *Cache, id string, connections int, code realtime.Code) *realtime.Tenant {
	t.Helper()
	doc, err := tenants.Tenant(t.Context(), id)
	switch {
	case code != "":
		if realtime.CodeOf(err) != code || doc != nil {
			t.Errorf("tenant %s: %+v, %v, want %s", id, doc, err, code)
		}
	case err != nil:
		t.Errorf("tenant %s: %v", id, err)
	case doc.Limits.Connections != connections:
		t.Errorf("tenant %s has %d connections, want %d", id, doc.Limits.Connections, connections)
	}
	return doc
}

func limited(n int) string { return fmt.Sprintf(`{"limits":{"connections":%d}}`, n) }

// pass lets time pass while somebody asks for the tenant every second, as a gateway does.
func pass(t *testing.T, tenants *Cache, id string, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-time.After(time.Second)
		_, _ = tenants.Tenant(t.Context(), id) // only that it asks
	}
}

func TestTenantsAreReadOnceAndPolled(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", limited(1), false)
		first := want(t, tenants, "acme", 1, "")
		for range 1000 {
			if want(t, tenants, "acme", 1, "") != first {
				t.Fatal("another value")
			}
		}
		if reads, _ := source.count(); reads != 1 {
			t.Errorf("%d readings", reads)
		}
		source.put("acme", limited(2), false)
		pass(t, tenants, "acme", 3*time.Second)
		second := want(t, tenants, "acme", 2, "")
		source.put("acme", limited(2), false) // the same again
		pass(t, tenants, "acme", 30*time.Second)
		if want(t, tenants, "acme", 2, "") != second {
			t.Error("another value of an equal document")
		}
		reads, polls := source.count()
		if reads != 1 || polls < 14 || polls > 18 {
			t.Errorf("%d readings and %d polls in half a minute", reads, polls)
		}
	})
}

func TestTenantsByHand(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", limited(1), true)
		source.put("globex", limited(1), true)
		want(t, tenants, "acme", 1, "")
		want(t, tenants, "globex", 1, "")
		source.put("acme", limited(2), true)
		source.remove("globex")
		for range 63 {
			pass(t, tenants, "acme", time.Second)
			_, _ = tenants.Tenant(t.Context(), "globex") // only that it asks
		}
		want(t, tenants, "acme", 2, "")
		want(t, tenants, "globex", 0, realtime.CodeNotFound)
		if reads, _ := source.count(); reads != 4 {
			t.Errorf("%d readings of two documents in a minute, want 4", reads)
		}
	})
}

func TestTenantsThatAreNot(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		for range 1000 {
			want(t, tenants, "acme", 0, realtime.CodeNotFound)
		}
		if reads, _ := source.count(); reads != 1 {
			t.Errorf("%d readings", reads)
		}
		source.put("acme", limited(1), false)
		pass(t, tenants, "acme", 3*time.Second)
		want(t, tenants, "acme", 1, "")
		want(t, tenants, "globex", 0, realtime.CodeNotFound)
		source.put("globex", limited(1), true)
		pass(t, tenants, "globex", absentFor+time.Second)
		want(t, tenants, "globex", 1, "")
		for i := range 3 * absentKept { // as forged tokens ask
			want(t, tenants, fmt.Sprintf("forged-%d", i), 0, realtime.CodeNotFound)
		}
		if n := tenants.absent.Len(); n > 2*absentKept {
			t.Errorf("%d are remembered", n)
		}
		if n := tenants.known.Len(); n > 4 { // one that was asked for again is in both halves
			t.Errorf("%d are known", n)
		}
	})
}

// A store that panics, in a reading or in a poll, is one that cannot be read.
func TestTenantsOfAStoreThatPanics(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", limited(1), false)
		source.put("globex", limited(1), false)
		want(t, tenants, "acme", 1, "")
		source.mu.Lock()
		source.panics = true
		source.mu.Unlock()
		source.set(true)
		want(t, tenants, "globex", 0, realtime.CodeUnavailable)
		source.put("acme", limited(2), false)
		pass(t, tenants, "acme", time.Minute)
		want(t, tenants, "acme", 1, "")
		source.set(false)
		pass(t, tenants, "acme", time.Minute)
		want(t, tenants, "acme", 2, "")
		want(t, tenants, "globex", 1, "")
	})
}

func TestTenantsInAnOutage(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", limited(1), false)
		source.put("globex", limited(1), false)
		want(t, tenants, "acme", 1, "")
		source.set(true)
		begun := time.Now()
		want(t, tenants, "globex", 0, realtime.CodeUnavailable)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("an unknown tenant was refused after %v", took)
		}
		source.put("acme", limited(2), false)
		pass(t, tenants, "acme", 20*time.Minute)
		begun = time.Now()
		first := want(t, tenants, "acme", 1, "")
		want(t, tenants, "globex", 0, realtime.CodeUnavailable)
		if took := time.Since(begun); took != 0 {
			t.Errorf("who asks waits %v for an outage", took)
		}
		if since, err := tenants.Failing(); err == nil || time.Since(since) < 19*time.Minute {
			t.Errorf("failing since %v: %v", since, err)
		}
		source.set(false)
		pass(t, tenants, "acme", 8*time.Second)
		if want(t, tenants, "acme", 2, "") == first {
			t.Error("what changed meanwhile is not told")
		}
		want(t, tenants, "globex", 1, "")
		if since, err := tenants.Failing(); err != nil || !since.IsZero() {
			t.Errorf("failing since %v: %v", since, err)
		}
		source.set(true)
		pass(t, tenants, "acme", time.Hour+10*time.Second)
		want(t, tenants, "acme", 0, realtime.CodeUnavailable)
	})
}

func TestTenantsSleep(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", limited(1), false)
		want(t, tenants, "acme", 1, "")
		<-time.After(10 * time.Minute)
		_, polls := source.count()
		if polls > 31 {
			t.Errorf("%d polls, though nobody asked after the first second", polls)
		}
		source.put("acme", limited(2), false)
		<-time.After(10 * time.Minute)
		if _, again := source.count(); again != polls {
			t.Errorf("%d polls while nobody asked", again-polls)
		}
		want(t, tenants, "acme", 2, "") // at once
		<-time.After(10 * time.Minute)
		source.put("acme", limited(3), false)
		source.set(true)
		want(t, tenants, "acme", 2, "") // after the time of one reading
		begun := time.Now()
		want(t, tenants, "acme", 2, "")
		if took := time.Since(begun); took != 0 {
			t.Errorf("the second one waits %v too", took)
		}
		<-time.After(2 * time.Hour)
		want(t, tenants, "acme", 0, realtime.CodeUnavailable)
		source.set(false)
		pass(t, tenants, "acme", 8*time.Second)
		want(t, tenants, "acme", 3, "")
	})
}

func TestTenantsReadTogether(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", limited(1), false)
		source.held = make(chan struct{})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { want(t, tenants, "acme", 1, "") })
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := tenants.Tenant(ctx, "acme"); realtime.CodeOf(err) != realtime.CodeUnavailable {
			t.Errorf("who gives up: %v", err)
		}
		close(source.held)
		all.Wait()
		if reads, _ := source.count(); reads != 1 {
			t.Errorf("%d readings", reads)
		}
	})
}

// TestTenantsOldReading: what a slow reading brings does not replace what was written since it began.
func TestTenantsOldReading(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.held = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { want(t, tenants, "acme", 2, "") })
		synctest.Wait() // it has begun, and found none
		<-time.After(time.Second)
		tenants.wrote(stateOf("acme", limited(2), time.Now()))
		close(source.held)
		all.Wait()
		want(t, tenants, "acme", 2, "")
	})
}

func TestTenantsThatAreNone(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", `{"limits":{"conections":1}}`, false)
		_, err := tenants.Tenant(t.Context(), "acme")
		if e := (*realtime.Error)(nil); !errors.As(err, &e) || e.Code != realtime.CodeInternal || !strings.Contains(err.Error(), "limits.conections: unknown field") {
			t.Errorf("%v", err)
		}
		source.put("acme", limited(1), false)
		pass(t, tenants, "acme", 3*time.Second)
		want(t, tenants, "acme", 1, "")
		for _, text := range []string{`{"placement":"moon"}`, `{"suspended":"yes"}`, `"json: unsupported value: NaN"`} {
			source.put("acme", text, false)
			pass(t, tenants, "acme", 90*time.Second)
			want(t, tenants, "acme", 1, "")
		}
		source.mu.Lock()
		defer source.mu.Unlock()
		if source.malformed != 4 {
			t.Errorf("%d malformed states were told of, want each of 4 once", source.malformed)
		}
	})
}

func TestTenantsAfterClose(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		source.put("acme", limited(1), false)
		want(t, tenants, "acme", 1, "")
		source.held = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { _, _ = tenants.Tenant(t.Context(), "globex") }) // either answer will do
		synctest.Wait()
		close(source.held)
		for range 2 {
			if err := tenants.Close(); err != nil {
				t.Error(err)
			}
		}
		all.Wait()
		want(t, tenants, "initech", 0, realtime.CodeUnavailable)
	})
}

// However many tenants there are and are asked for, a bounded number of documents is kept; and those that are asked for again and again stay.
func TestKnownTenantsAreBounded(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, tenants *Cache, source *cabinet) {
		for i := range 5 * knownKept / 2 {
			id := fmt.Sprintf("t%d", i)
			source.put(id, limited(1), true)
			want(t, tenants, id, 1, "")
			want(t, tenants, "t0", 1, "")
		}
		if n := tenants.known.Len(); n > 2*knownKept {
			t.Errorf("%d documents are kept", n)
		}
		if reads, _ := source.count(); reads != 5*knownKept/2 {
			t.Errorf("%d readings", reads)
		}
		want(t, tenants, "t1", 1, "") // forgotten, and read anew
		if reads, _ := source.count(); reads != 5*knownKept/2+1 {
			t.Errorf("%d readings after one more", reads)
		}
		pass(t, tenants, "t0", 3*time.Hour)
		if n := tenants.known.Len(); n > 2 {
			t.Errorf("%d documents are kept that nobody asks for", n)
		}
	})
}
