package tenantcache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/tidewire/tidewire/internal/flight"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/recent"
)

var _ realtime.Tenants = (*Reader)(nil)

const (
	sureFor      = 10 * time.Second // after a document was last known to be as it is, before who asks has to wait
	rereadAfter  = time.Minute      // between two readings of a document of its own, which see what a poll does not
	absentFor    = 10 * time.Second // how long it is believed that there is no such tenant
	absentKept   = 10_000           // how many of these are remembered at least
	knownKept    = 10_000           // how many documents are kept at least; a store bounds the size of each
	readingsMost = 1000             // documents that are read at one time
	idleAfter    = time.Minute      // without anybody asking: nothing is polled any more
	pollOverlap  = 10 * time.Second // how far polls look back over each other, as clocks and commits differ
)

// Options configure a Reader or a Cache. The zero value works.
type Options struct {
	// Poll is how often changed documents are asked for, while anybody asks for tenants; 0 is 2 s.
	Poll time.Duration
	// Outage is how long known documents serve while the store cannot be reached; 0 is an hour.
	Outage time.Duration
	// Timeout bounds one call of the store; 0 is 5 s.
	Timeout time.Duration
	// Logger gets a line when the store cannot be read and when it can again; nil discards.
	Logger *slog.Logger
	// Metrics counts panics of the store; nil forgets them.
	Metrics realtime.Metrics
}

// Reader serves the documents of a source from memory.
//
// A document is read when it is first asked for, and what changed is asked for every two
// seconds while anybody asks for any; so a change arrives in about that time, if the store's Changed
// tells of it, and otherwise, or if the document was deleted, within a minute. After a minute in
// which nobody asked nothing is read any more, and the next who asks for a document waits until it was read anew.
//
// The documents that were asked for last are kept, some ten thousand; one that nobody has asked for in Options.Outage may be
// forgotten, and is read anew.
//
// While the store cannot be reached, known documents serve for Options.Outage; others are
// answered with CodeUnavailable. A document that has come to be malformed is
// told of, and the one before serves on; without one before it is an error. It is safe for concurrent use. Close it.
type Reader struct {
	source realtime.TenantSource
	o      Options
	ctx    context.Context // ends with Close; every poll hangs on it
	cancel context.CancelFunc

	readings *flight.Group[string, error] // by tenant

	mu      sync.Mutex // guards all below
	closed  bool
	known   *recent.Map[string, *knownTenant] // those that were asked for last
	absent  absentTenants
	asked   time.Time // by anybody
	polling bool
	awake   time.Time // since when it polls
	polled  time.Time // when the last poll that succeeded began
	failing time.Time // since when the store cannot be read; zero while it can
	failure error
	running sync.WaitGroup
}

// knownTenant is what is known of a tenant.
type knownTenant struct {
	tenant  *realtime.Tenant // the last that was good
	fault   error            // of the newest, if none was
	version int64            // of the newest
	learnt  time.Time        // when what is known came to be so
	read    time.Time        // when the last reading of its own began
}

// tenantReading is one of a document; it brings why it failed, and what it has found stands in the Reader.
type tenantReading = flight.Call[error]

// NewReader returns a Reader of a source, which stays open.
func NewReader(source realtime.TenantSource, o Options) *Reader {
	o.Poll = cmp.Or(o.Poll, 2*time.Second)
	o.Outage = cmp.Or(o.Outage, time.Hour)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	c := &Reader{source: source, o: o, absent: newAbsentTenants()}
	c.readings = flight.New[string, error](o.Timeout, readingsMost, c.contain)
	c.known = recent.New[string, *knownTenant](o.Outage, knownKept, time.Now())
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Tenant returns the document of a tenant, which must not be changed. While it does not change, it is the same value.
func (c *Reader) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	if realtime.CheckTenantID(id) != nil {
		return nil, noSuchTenant()
	}
	c.mu.Lock()
	now := time.Now()
	c.wake(now)
	wait := c.await(id, now)
	if wait == nil {
		defer c.mu.Unlock()
		return c.answer(id, now, nil)
	}
	c.mu.Unlock()
	failed, err := wait.Wait(ctx)
	if err != nil {
		return nil, tenantsUnavailable(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answer(id, time.Now(), failed)
}

// Failing returns since when the store cannot be read, and why; the zero time while it can.
func (c *Reader) Failing() (since time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failing, c.failure
}

// Close ends the polling and waits for it. Documents that are not known are then answered with CodeUnavailable. It may
// be called twice.
func (c *Reader) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.readings.Close()
	c.running.Wait()
	return nil
}

// await returns the reading that an answer has to wait for; nil if none. c.mu is held.
func (c *Reader) await(id string, now time.Time) *tenantReading {
	d, known := c.known.Touch(id, now)
	if !known {
		if c.absent.has(id, now) || !c.failing.IsZero() {
			return nil
		}
		return c.begin(id, now)
	}
	if !c.failing.IsZero() { // an outage: polls will tell when it is over
		return nil
	}
	sure := now.Sub(c.sure(d)) < sureFor
	if sure && now.Sub(d.read) < rereadAfter {
		return nil
	}
	r := c.begin(id, now)
	if sure {
		return nil // it serves while it is read
	}
	return r
}

// sure returns until when the document is known to have been as it is. c.mu is held.
func (c *Reader) sure(d *knownTenant) time.Time {
	if d.read.Before(c.awake) { // what changed in between no poll has asked for
		return d.read
	}
	if d.read.After(c.polled) {
		return d.read
	}
	return c.polled
}

// answer says what is known now, after a reading that failed perhaps. c.mu is held.
func (c *Reader) answer(id string, now time.Time, failed error) (*realtime.Tenant, error) {
	d, _ := c.known.Get(id)
	failed = errors.Join(failed, c.failure)
	switch {
	case d == nil && c.absent.has(id, now):
		return nil, noSuchTenant()
	case d == nil:
		return nil, tenantsUnavailable(failed)
	case failed != nil && now.Sub(c.sure(d)) >= c.o.Outage:
		return nil, tenantsUnavailable(failed)
	case d.tenant == nil:
		return nil, d.fault
	case d.tenant.Deleted:
		return nil, realtime.TenantDeleted(d.tenant.Version)
	}
	return d.tenant, nil
}

func noSuchTenant() error {
	return realtime.Errorf(realtime.CodeNotFound, "tenant: is unknown")
}

func tenantsUnavailable(cause error) error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the documents of tenants cannot be read now", RetryAfter: 5 * time.Second, Err: cause}
}

// contain ends a panic of the store.
func (c *Reader) contain(do func()) error {
	if bad := contain.Do(c.o.Logger, c.o.Metrics, contain.Request, do); bad != nil {
		return bad
	}
	return nil
}

// begin reads a document, or joins who does; nil if it cannot. c.mu is held.
func (c *Reader) begin(id string, now time.Time) *tenantReading {
	return c.readings.Join(id, func(ctx context.Context) (failed, _ error) {
		v, err := c.source.Read(ctx, id)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.note(err) {
			c.learn(id, v, now)
		}
		return err, nil
	})
}

// learn takes what a reading found that began then. c.mu is held.
func (c *Reader) learn(id string, v realtime.TenantState, begun time.Time) {
	d, _ := c.known.Get(id)
	switch {
	case v.Exists && d == nil:
		d = &knownTenant{read: begun}
		c.known.Turn(time.Now())
		c.known.Put(id, d)
		c.change(d, v)
	case v.Exists:
		d.read = begun
		c.change(d, v)
	case d == nil || d.learnt.Before(begun): // it is not there, unless it came meanwhile
		c.known.Delete(id)
		c.absent.add(id, time.Now())
	}
}

// change takes a state of a document, unless a newer one is known. c.mu is held.
func (c *Reader) change(d *knownTenant, v realtime.TenantState) {
	c.absent.remove(v.ID)
	if v.Version < d.version || v.Doc == nil && v.Version == d.version && d.fault != nil {
		return
	}
	d.version = v.Version
	if v.Doc == nil {
		d.learnt = time.Now()
		// It is nothing that who asks could mend, so it has no code of the fault's.
		d.fault = &realtime.Error{Code: realtime.CodeInternal, Message: fmt.Sprintf("the document of tenant %s is invalid", v.ID), Err: errors.New(v.Fault.Error())}
		c.source.Malformed(c.ctx, v.ID, v.Fault)
		return
	}
	if d.fault = nil; d.tenant == nil || !same(d.tenant, v.Doc) {
		d.learnt, d.tenant = time.Now(), v.Doc
	}
}

// same reports whether two states of a document say the same: then it stays the same value.
func same(a, b *realtime.Tenant) bool {
	one, other := *a, *b
	one.Version, other.Version = 0, 0
	return reflect.DeepEqual(one, other)
}

// wrote takes a state that was written here.
func (c *Reader) wrote(v realtime.TenantState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.learn(v.ID, v, time.Now())
}
