package registration

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
)

// The pace of a Writer. A lease is renewed three times before it would end.
const (
	leaseEvery   = 5 * time.Second
	leaseFor     = 15 * time.Second
	writeTimeout = 10 * time.Second // one call of the registry
	retryMin     = 200 * time.Millisecond
	retryMax     = 5 * time.Second
	maxPending   = 10_000 // documents that may wait to be written
)

// Writer keeps the connection documents and the lease of one instance in a realtime.Registry. One goroutine
// writes in bulk: what is added during a write goes with the next one. While the registry is down documents are
// pending; when too many are, or the lease could not be renewed for its duration, Add refuses, and
// existing connections stay. It is safe for concurrent use. A nil Writer registers nothing.
type Writer struct {
	registry realtime.Registry
	lease    realtime.Lease // without Sockets and Until
	log      *slog.Logger
	metrics  realtime.Metrics
	wake     chan struct{} // holds one
	stop     context.CancelFunc
	done     chan struct{}

	until  time.Time // when the lease ends that was written last; likewise
	leased bool      // the lease may say that there are sockets; of run's goroutine
	ended  bool      // it says that there are none; likewise

	mu      sync.Mutex // guards all below
	adds    map[realtime.ConnectionRef]pendingDoc
	removes map[realtime.ConnectionRef]struct{}
	writing int // taken out of adds by a write that has not ended
	sockets int
	lapsed  func()    // nil: nobody is told
	failing time.Time // when renewing began to fail; zero while it works
	closed  bool
	settle  chan struct{} // closed when nothing of any connection is left and the lease says so; nil unless somebody waits
	quiet   bool          // that is so
}

// pendingDoc is a connection document that is to be written.
type pendingDoc struct {
	doc   realtime.ConnectionDoc
	tried bool // a write of it failed, and may have been made nevertheless
}

// New returns a Writer. Close it.
func New(registry realtime.Registry, lease realtime.Lease, log *slog.Logger, metrics realtime.Metrics) *Writer {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Writer{
		registry: registry, lease: lease, log: log, metrics: metrics,
		wake: make(chan struct{}, 1), stop: cancel, done: make(chan struct{}),
		adds: map[realtime.ConnectionRef]pendingDoc{}, removes: map[realtime.ConnectionRef]struct{}{}, quiet: true,
	}
	go func() {
		defer close(w.done)
		w.run(ctx)
	}()
	return w
}

// OnLapse has a function called whenever the lease is renewed after it had ended: others may have taken the instance for dead. It is called
// before the first Add.
func (w *Writer) OnLapse(lapsed func()) {
	if w != nil {
		w.mu.Lock()
		w.lapsed = lapsed
		w.mu.Unlock()
	}
}

// Add registers a new connection, or says why that is not possible now. Every connection that was added has to be removed.
func (w *Writer) Add(doc realtime.ConnectionDoc) error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.available(); err != nil {
		return err
	}
	w.adds[realtime.ConnectionRef{Tenant: doc.Tenant, ID: doc.ID}] = pendingDoc{doc: doc}
	w.sockets++
	w.quiet = false
	w.notify()
	return nil
}

// Update replaces the document of a connection that was added.
func (w *Writer) Update(doc realtime.ConnectionDoc) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.adds)+w.writing < maxPending && !w.closed {
		// It may have been written before, so it is as if tried.
		w.adds[realtime.ConnectionRef{Tenant: doc.Tenant, ID: doc.ID}] = pendingDoc{doc: doc, tried: true}
		w.notify()
	}
}

// Remove removes the document of a connection. When too many removals are pending it is
// forgotten: the document expires by itself.
func (w *Writer) Remove(ref realtime.ConnectionRef) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sockets--
	e, waits := w.adds[ref]
	delete(w.adds, ref)
	if (!waits || e.tried) && len(w.removes) < maxPending && !w.closed {
		w.removes[ref] = struct{}{}
	}
	w.notify()
}

// Err returns why no connection can be added at the moment; nil if one can.
func (w *Writer) Err() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.available()
}

func (w *Writer) available() error {
	switch {
	case len(w.adds)+w.writing >= maxPending:
		return refusal.Unavailable("the registry of connections does not keep up")
	case !w.failing.IsZero() && time.Since(w.failing) > leaseFor:
		return refusal.Unavailable("the registry of connections cannot be reached")
	}
	return nil
}

func (w *Writer) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run writes what waits and renews the lease while there are sockets. Without
// any it only waits.
func (w *Writer) run(ctx context.Context) {
	var renewAt, writeAt time.Time // not before
	retry := retryMin
	timer := time.NewTimer(0) // it runs while something is due
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-timer.C:
		}
		sockets, due := w.count(), time.Time{}
		if now := time.Now(); sockets > 0 && !now.Before(renewAt) {
			w.leased, w.ended = true, false // it may be written even if that fails
			renewAt = now.Add(w.renew(ctx, sockets))
		}
		if sockets > 0 {
			due = renewAt
		} else {
			renewAt = time.Time{} // whoever comes is not alive without a lease
		}
		if now := time.Now(); !now.Before(writeAt) {
			if w.write(ctx) && w.rest(ctx) {
				retry = retryMin
			} else {
				writeAt = now.Add(refusal.Jitter(retry))
				retry = min(2*retry, retryMax)
			}
		}
		if writeAt.After(time.Now()) && (due.IsZero() || writeAt.Before(due)) {
			due = writeAt
		}
		if !due.IsZero() {
			timer.Reset(time.Until(due))
		}
	}
}

// ask calls the registry. If that panics, the call has failed.
func (w *Writer) ask(do func() error) (err error) {
	if bad := contain.Do(w.log, w.metrics, contain.Sweep, func() { err = do() }); bad != nil {
		return bad
	}
	return err
}

// rest ends the lease when the last connection has gone and nothing waits to be written: so the janitor knows
// of an instance that is never given its CPU again that it has ended in order. Whoever comes renews it. It reports
// whether there is nothing to try again.
func (w *Writer) rest(ctx context.Context) bool {
	if !w.idle() {
		return true // there are connections
	}
	if w.leased {
		ending, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		if err := w.ask(func() error { return w.registry.Release(ending, w.lease.Instance) }); err != nil {
			if ctx.Err() == nil {
				w.log.WarnContext(ctx, "ending the lease failed", realtime.KeyError, err)
			}
			return false
		}
		w.leased, w.ended = false, true
		if !w.until.IsZero() {
			w.until = time.Unix(0, 0) // over
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sockets == 0 && len(w.adds)+len(w.removes) == 0 {
		w.quiet = true
		if w.settle != nil {
			close(w.settle)
			w.settle = nil
		}
	}
	return true
}

// idle reports whether there are no connections, and nothing is to be written of any.
func (w *Writer) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sockets == 0 && len(w.adds)+len(w.removes) == 0
}

// Settled waits until nothing of any connection is left in the registry and the lease says so, or until ctx ends.
func (w *Writer) Settled(ctx context.Context) error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	if w.quiet || w.closed {
		w.mu.Unlock()
		return nil
	}
	if w.settle == nil {
		w.settle = make(chan struct{})
	}
	settle := w.settle
	w.mu.Unlock()
	select {
	case <-settle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sockets
}

// Close ends the lease, and with it all documents of the instance.
func (w *Writer) Close(ctx context.Context) error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stop()
	<-w.done
	if w.ended {
		return nil // with the last connection
	}
	return w.ask(func() error { return w.registry.Release(ctx, w.lease.Instance) })
}
