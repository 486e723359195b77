package gateway

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// The pace of the roll. A lease is renewed three times before it would end.
const (
	leaseEvery    = 5 * time.Second
	leaseFor      = 15 * time.Second
	rollWriteTime = 10 * time.Second // one call of the registry
	rollRetryMin  = 200 * time.Millisecond
	rollRetryMax  = 5 * time.Second
	rollPending   = 10_000 // documents that may wait to be written
)

// maxConnectionDoc is how long a connection document lasts at most: the 60
// minutes that Cloud Run gives a request, and some.
const maxConnectionDoc = 65 * time.Minute

// roll keeps this instance's connection documents and its lease in the Registry,
// by one goroutine that writes in bulk: what comes while a write is under way goes with the
// next. While the registry is down documents wait; when too many do, or the lease could not be
// renewed for its duration, add refuses, and those who are connected stay.
type roll struct {
	registry realtime.Registry
	lease    realtime.Lease // without Sockets and Until
	log      *slog.Logger
	metrics  realtime.Metrics
	wake     chan struct{} // holds one
	stop     context.CancelFunc
	done     chan struct{}

	leased bool // the lease may say that there are sockets; of run's goroutine
	ended  bool // it says that there are none; likewise

	mu      sync.Mutex // guards all below
	adds    map[realtime.ConnectionRef]entry
	removes map[realtime.ConnectionRef]struct{}
	flying  int // taken out of adds by a write that has not ended
	sockets int
	failing time.Time // when renewing began to fail; zero while it works
	closed  bool
	settle  chan struct{} // closed when nothing of any connection is left and the lease says so; nil unless somebody waits
	quiet   bool          // that is so
}

type entry struct {
	doc   realtime.ConnectionDoc
	tried bool // writing it failed, and it may be there nevertheless
}

func newRoll(registry realtime.Registry, lease realtime.Lease, log *slog.Logger, metrics realtime.Metrics) *roll {
	ctx, cancel := context.WithCancel(context.Background())
	r := &roll{
		registry: registry, lease: lease, log: log, metrics: metrics,
		wake: make(chan struct{}, 1), stop: cancel, done: make(chan struct{}),
		adds: map[realtime.ConnectionRef]entry{}, removes: map[realtime.ConnectionRef]struct{}{}, quiet: true,
	}
	go func() {
		defer close(r.done)
		r.run(ctx)
	}()
	return r
}

// add enters a new connection. Every one that was added has to be removed.
func (r *roll) add(doc realtime.ConnectionDoc) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.available(); err != nil {
		return err
	}
	r.adds[realtime.ConnectionRef{Tenant: doc.Tenant, ID: doc.ID}] = entry{doc: doc}
	r.sockets++
	r.quiet = false
	r.notify()
	return nil
}

// update replaces the document of a connection that was added.
func (r *roll) update(doc realtime.ConnectionDoc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.adds)+r.flying < rollPending && !r.closed {
		// It may have been written before, so it is as if tried.
		r.adds[realtime.ConnectionRef{Tenant: doc.Tenant, ID: doc.ID}] = entry{doc: doc, tried: true}
		r.notify()
	}
}

// remove strikes a connection out. When too many wait to be removed it is
// forgotten: its document ends by itself.
func (r *roll) remove(ref realtime.ConnectionRef) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sockets--
	e, waits := r.adds[ref]
	delete(r.adds, ref)
	if (!waits || e.tried) && len(r.removes) < rollPending && !r.closed {
		r.removes[ref] = struct{}{}
	}
	r.notify()
}

// err says why no connection can be added at the moment, if none can.
func (r *roll) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.available()
}

func (r *roll) available() error {
	switch {
	case len(r.adds)+r.flying >= rollPending:
		return unavailable("the registry of connections does not keep up")
	case !r.failing.IsZero() && time.Since(r.failing) > leaseFor:
		return unavailable("the registry of connections cannot be reached")
	}
	return nil
}

// retryLater is how long who is told that something is down waits at least.
const retryLater = 5 * time.Second

func unavailable(message string) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: message, RetryAfter: jitter(retryLater)}
}

// jitter returns d to 2d, so that those who are sent away do not come back together.
func jitter(d time.Duration) time.Duration { return d + random(d) }

// random returns 0 to d.
func random(d time.Duration) time.Duration {
	return rand.N(d + 1) //nolint:gosec // it spreads load and keeps no secret
}

func (r *roll) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run writes what waits and renews the lease while there are sockets. Without
// any it only waits.
func (r *roll) run(ctx context.Context) {
	var renewAt, writeAt time.Time // not before
	retry := rollRetryMin
	timer := time.NewTimer(0) // it runs while something is due
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		sockets, due := r.count(), time.Time{}
		if now := time.Now(); sockets > 0 && !now.Before(renewAt) {
			r.leased, r.ended = true, false // it may be written even if that fails
			renewAt = now.Add(r.renew(ctx, sockets))
		}
		if sockets > 0 {
			due = renewAt
		} else {
			renewAt = time.Time{} // whoever comes is not alive without a lease
		}
		if now := time.Now(); !now.Before(writeAt) {
			if r.write(ctx) && r.rest(ctx) {
				retry = rollRetryMin
			} else {
				writeAt = now.Add(jitter(retry))
				retry = min(2*retry, rollRetryMax)
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
func (r *roll) ask(do func() error) (err error) {
	if bad := contain.Do(r.log, r.metrics, contain.Sweep, func() { err = do() }); bad != nil {
		return bad
	}
	return err
}

// rest ends the lease when the last connection has gone and nothing waits to be written: so the janitor knows
// of an instance that is never given its CPU again that it has ended in order. Whoever comes renews it. It reports
// whether there is nothing to try again.
func (r *roll) rest(ctx context.Context) bool {
	if !r.bare() {
		return true // there are connections
	}
	if r.leased {
		ending, cancel := context.WithTimeout(ctx, rollWriteTime)
		defer cancel()
		if err := r.ask(func() error { return r.registry.Release(ending, r.lease.Instance) }); err != nil {
			if ctx.Err() == nil {
				r.log.WarnContext(ctx, "ending the lease failed", realtime.KeyError, err)
			}
			return false
		}
		r.leased, r.ended = false, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sockets == 0 && len(r.adds)+len(r.removes) == 0 {
		r.quiet = true
		if r.settle != nil {
			close(r.settle)
			r.settle = nil
		}
	}
	return true
}

// bare reports whether there are no connections, and nothing is to be written of any.
func (r *roll) bare() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sockets == 0 && len(r.adds)+len(r.removes) == 0
}

// settled waits until nothing of any connection is left and the lease says so, or ctx ends.
func (r *roll) settled(ctx context.Context) error {
	r.mu.Lock()
	if r.quiet || r.closed {
		r.mu.Unlock()
		return nil
	}
	if r.settle == nil {
		r.settle = make(chan struct{})
	}
	settle := r.settle
	r.mu.Unlock()
	select {
	case <-settle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *roll) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sockets
}

// renew renews the lease and returns when to do it next.
func (r *roll) renew(ctx context.Context, sockets int) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, rollWriteTime)
	defer cancel()
	lease := r.lease
	lease.Sockets, lease.Until = sockets, time.Now().Add(leaseFor)
	err := r.ask(func() error { return r.registry.Renew(ctx, lease) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.failing = time.Time{}
		return leaseEvery
	}
	if r.failing.IsZero() { // one line for an outage
		r.failing = time.Now()
		r.log.WarnContext(ctx, "renewing the lease failed", realtime.KeyError, err)
	}
	return time.Second
}

// close ends the lease, and with it all documents of the instance.
func (r *roll) close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	<-r.done
	if r.ended {
		return nil // with the last connection
	}
	return r.ask(func() error { return r.registry.Release(ctx, r.lease.Instance) })
}
