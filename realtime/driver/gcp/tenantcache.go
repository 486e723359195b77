package gcp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/strict"
)

const (
	sureFor      = 10 * time.Second // after a document was last known to be as it is, before who asks has to wait
	rereadAfter  = time.Minute      // between two readings of a document of its own, which see what a poll does not
	absentFor    = 10 * time.Second // how long it is believed that there is no such tenant
	absentKept   = 10_000           // how many of these are remembered at least
	readingsMost = 1000             // documents that are read at one time
	idleAfter    = time.Minute      // without anybody asking: nothing is polled any more
	pollOverlap  = 10 * time.Second // how far polls look back over each other, as clocks and commits differ
)

// tenantSource is where tenant documents come from.
type tenantSource interface {
	read(ctx context.Context, id string) (tenantVersion, error)
	changed(ctx context.Context, since time.Time) ([]tenantVersion, error)
}

// tenantVersion is a tenant's document as it was read.
type tenantVersion struct {
	id      string
	exists  bool
	updated time.Time // by the source's clock
	text    string    // JSON; equal for equal documents
}

// tenantCache answers for a source.
type tenantCache struct {
	source    tenantSource
	o         TenantsOptions
	malformed malformed
	ctx       context.Context // ends with Close; every reading hangs on it
	cancel    context.CancelFunc

	mu       sync.Mutex // guards all below
	closed   bool
	known    map[string]*knownTenant
	absent   absentTenants
	readings map[string]*tenantReading // under way
	asked    time.Time                 // by anybody
	polling  bool
	awake    time.Time // since when it polls
	polled   time.Time // when the last poll that succeeded began
	failing  time.Time // since when the source cannot be read; zero while it can
	failure  error
	running  sync.WaitGroup
}

// knownTenant is what is known of a tenant.
type knownTenant struct {
	tenant  *realtime.Tenant // the last that was good
	fault   error            // of the text, if none was
	text    string
	updated time.Time // by the source's clock
	learnt  time.Time // when what is known came to be so
	read    time.Time // when the last reading of its own began
	asked   time.Time
}

// tenantReading is one under way and, once done is closed, how it went.
type tenantReading struct {
	done chan struct{}
	err  error
}

func newTenantCache(s tenantSource, o TenantsOptions) *tenantCache {
	c := &tenantCache{source: s, o: o, malformed: newMalformed(o.Metrics, o.Logger), known: map[string]*knownTenant{}, readings: map[string]*tenantReading{}, absent: newAbsentTenants()}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Tenant returns the document of a tenant, which must not be changed. While it does not change, it is the same value.
func (c *tenantCache) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
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
	select {
	case <-wait.done:
	case <-ctx.Done():
		return nil, tenantsUnavailable(ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answer(id, time.Now(), wait.err)
}

// Failing returns since when the source cannot be read, and why; the zero time while it can.
func (c *tenantCache) Failing() (since time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failing, c.failure
}

// Close ends the polling and waits for it. Documents that are not known are then answered with CodeUnavailable. It may
// be called twice.
func (c *tenantCache) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.running.Wait()
	return nil
}

// await returns the reading that an answer has to wait for; nil if none. c.mu is held.
func (c *tenantCache) await(id string, now time.Time) *tenantReading {
	d := c.known[id]
	if d == nil {
		if c.absent.has(id, now) || !c.failing.IsZero() {
			return nil
		}
		return c.begin(id, now)
	}
	d.asked = now
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
func (c *tenantCache) sure(d *knownTenant) time.Time {
	if d.read.Before(c.awake) { // what changed in between no poll has asked for
		return d.read
	}
	return laterOf(d.read, c.polled)
}

// answer says what is known now, after a reading that failed perhaps. c.mu is held.
func (c *tenantCache) answer(id string, now time.Time, failed error) (*realtime.Tenant, error) {
	d := c.known[id]
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

// begin reads a document, or joins who does; nil if it cannot. c.mu is held.
func (c *tenantCache) begin(id string, now time.Time) *tenantReading {
	if r := c.readings[id]; r != nil {
		return r
	}
	if c.closed || len(c.readings) >= readingsMost {
		return nil
	}
	r := &tenantReading{done: make(chan struct{})}
	c.readings[id] = r
	c.running.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, c.o.Timeout)
		defer cancel()
		v, err := c.source.read(ctx, id)
		c.mu.Lock()
		defer c.mu.Unlock()
		defer close(r.done)
		delete(c.readings, id)
		if r.err = err; c.note(err) {
			c.learn(id, v, now)
		}
	})
	return r
}

// learn takes what a reading found that began then. c.mu is held.
func (c *tenantCache) learn(id string, v tenantVersion, begun time.Time) {
	d := c.known[id]
	switch {
	case v.exists && d == nil:
		d = &knownTenant{read: begun, asked: begun}
		c.known[id] = d
		c.change(d, v)
	case v.exists:
		d.read = begun
		c.change(d, v)
	case d == nil || d.learnt.Before(begun): // it is not there, unless it came meanwhile
		delete(c.known, id)
		c.absent.add(id, time.Now())
	}
}

// change takes a version of a document, unless a newer one is known. c.mu is held.
func (c *tenantCache) change(d *knownTenant, v tenantVersion) {
	c.absent.remove(v.id)
	if v.updated.Before(d.updated) {
		return
	}
	d.updated = v.updated
	if v.text == d.text {
		return
	}
	d.text, d.learnt = v.text, time.Now()
	tenant, err := decodeTenant(v)
	if err != nil {
		d.fault = err
		c.malformed.found(c.ctx, tenantKind, tenantsCollection+"/"+v.id, err) // the one before serves on, if there was one
		return
	}
	d.tenant, d.fault = tenant, nil
}

// wrote takes a version that was written here.
func (c *tenantCache) wrote(v tenantVersion) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.learn(v.id, v, time.Now())
}

// decodeTenant returns the document of a version; an error if it is none.
func decodeTenant(v tenantVersion) (*realtime.Tenant, error) {
	t, err := readTenant(v)
	if err != nil {
		// It is nothing that who asks could mend, so it has no code of the fault's.
		return nil, &realtime.Error{Code: realtime.CodeInternal, Message: fmt.Sprintf("the document of tenant %s is invalid", v.id), Err: errors.New(err.Error())}
	}
	return t, nil
}

// readTenant returns what can be read of a version, and what is wrong with the rest.
func readTenant(v tenantVersion) (*realtime.Tenant, error) {
	t := new(realtime.Tenant)
	err := strict.Decode("the document", []byte(v.text), t)
	t.ID, t.Version = v.id, v.updated.UnixNano()
	if err == nil {
		err = t.Check()
	}
	return t, err
}
