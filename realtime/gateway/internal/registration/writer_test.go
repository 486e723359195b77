package registration

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// fakeRegistry is a Registry that notes what is written, and fails on request.
type fakeRegistry struct {
	mu       sync.Mutex // guards all below
	down     bool
	docs     map[string]realtime.ConnectionDoc
	writes   int // of Connect
	renewals []realtime.Lease
	released int
}

func (l *fakeRegistry) call(do func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errors.New("the registry is closed")
	}
	do()
	return nil
}

func (l *fakeRegistry) Renew(_ context.Context, lease realtime.Lease) error {
	return l.call(func() { l.renewals = append(l.renewals, lease) })
}

func (l *fakeRegistry) Release(context.Context, string) error { return l.call(func() { l.released++ }) }

func (l *fakeRegistry) Connect(_ context.Context, docs []realtime.ConnectionDoc) error {
	return l.call(func() {
		l.writes++
		for _, d := range docs {
			l.docs[d.ID] = d
		}
	})
}

func (l *fakeRegistry) Disconnect(_ context.Context, refs []realtime.ConnectionRef) error {
	return l.call(func() {
		for _, ref := range refs {
			delete(l.docs, ref.ID)
		}
	})
}

func (l *fakeRegistry) Connections(context.Context, string, realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	return realtime.ConnectionPage{}, errors.New("nobody asks")
}

func (l *fakeRegistry) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *fakeRegistry) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.docs))
}

func doc(id string) realtime.ConnectionDoc {
	return realtime.ConnectionDoc{Tenant: "acme", ID: id, User: "ann", Instance: "i-1"}
}

// withWriter runs a test with a Writer on virtual time.
func withWriter(t *testing.T, test func(t *testing.T, w *Writer, l *fakeRegistry)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &fakeRegistry{docs: map[string]realtime.ConnectionDoc{}}
		w := New(l, realtime.Lease{Instance: "i-1", Service: "gateway"}, slog.New(slog.DiscardHandler), realtime.NoMetrics{})
		test(t, w, l)
		l.set(false)
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if l.released != 1 {
			t.Errorf("released %d times", l.released)
		}
	})
}

func pass(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

func TestWritesTwiceAndRenewsWhileThereAreSockets(t *testing.T) {
	t.Parallel()
	withWriter(t, func(t *testing.T, w *Writer, l *fakeRegistry) {
		pass(time.Minute)
		if len(l.renewals) != 0 {
			t.Errorf("renewed %d times without a socket", len(l.renewals))
		}
		for _, id := range []string{"a", "b", "c"} {
			if err := w.Add(doc(id)); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		if diff := cmp.Diff([]string{"a", "b", "c"}, l.ids()); diff != "" {
			t.Error(diff)
		}
		if n := len(l.renewals); n < 12 || n > 14 {
			t.Errorf("renewed %d times in a minute", n)
		}
		last := l.renewals[len(l.renewals)-1]
		if last.Sockets != 3 || last.Instance != "i-1" || last.Service != "gateway" || time.Until(last.Until) < leaseFor-leaseEvery {
			t.Errorf("the lease is %+v", last)
		}
		for _, id := range []string{"a", "b", "c"} {
			w.Remove(realtime.ConnectionRef{Tenant: "acme", ID: id})
		}
		pass(time.Second)
		if ids := l.ids(); len(ids) != 0 {
			t.Errorf("%v are left", ids)
		}
		n := len(l.renewals)
		pass(time.Minute)
		if len(l.renewals) > n+1 {
			t.Errorf("renewed %d times without a socket", len(l.renewals)-n)
		}
	})
}

func TestOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	withWriter(t, func(t *testing.T, w *Writer, l *fakeRegistry) {
		if err := w.Add(doc("before")); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		l.set(true)
		for _, id := range []string{"stays", "goes"} {
			if err := w.Add(doc(id)); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		w.Remove(realtime.ConnectionRef{Tenant: "acme", ID: "goes"})
		pass(5 * time.Second)
		if err := w.Err(); err != nil {
			t.Errorf("refused before the lease can have ended: %v", err)
		}
		pass(leaseFor)
		err := w.Add(doc("late"))
		if refused := (*realtime.Error)(nil); !errors.As(err, &refused) || refused.Code != realtime.CodeUnavailable || refused.RetryAfter == 0 {
			t.Errorf("added during an outage: %v", err)
		}
		l.set(false)
		pass(2 * retryMax)
		if err := w.Err(); err != nil {
			t.Errorf("refused after the outage: %v", err)
		}
		if diff := cmp.Diff([]string{"before", "stays"}, l.ids()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestIsBounded(t *testing.T) {
	t.Parallel()
	withWriter(t, func(t *testing.T, w *Writer, l *fakeRegistry) {
		l.set(true)
		for i := range maxPending {
			if err := w.Add(doc(strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Add(doc("one too many")); realtime.CodeOf(err) != realtime.CodeUnavailable {
			t.Errorf("added: %v", err)
		}
	})
}

func TestWritesWhatGathersAtOnce(t *testing.T) {
	t.Parallel()
	withWriter(t, func(t *testing.T, w *Writer, l *fakeRegistry) {
		w.mu.Lock() // the writer cannot take them one by one
		for _, id := range []string{"a", "b", "c", "d"} {
			d := doc(id)
			w.adds[realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID}] = pendingDoc{doc: d}
			w.sockets++
		}
		w.mu.Unlock()
		if err := w.Add(doc("e")); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if l.writes != 1 || len(l.ids()) != 5 {
			t.Errorf("%d writes of %v", l.writes, l.ids())
		}
		renewed := doc("a")
		renewed.Expires = time.Now().Add(time.Hour)
		w.Update(renewed)
		pass(time.Second)
		if !l.docs["a"].Expires.Equal(renewed.Expires) {
			t.Error("the document was not replaced")
		}
	})
}
