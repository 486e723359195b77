package publish

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/checked"
)

// Options configure a Publisher. The zero value works.
type Options struct {
	// Placement says which topic carries a tenant, the same as in hub.Options; nil is OwnTopic.
	Placement func(*realtime.Tenant) realtime.Topic
	// Timeout is how long one call of Publish waits for the broker; default 10 s.
	Timeout time.Duration
	// Channels is how many channels are counted at once, at most; default 100,000. Those used
	// longest ago are forgotten, up to half of them at once; such a channel begins a new Series.
	Channels int
	Metrics  realtime.Metrics // nil forgets
	Tracer   realtime.Tracer  // nil follows nothing
}

// Publisher hands Publications to a Broker and numbers them per channel, so
// that a Hub can see when one is missing. A process has one for each Broker,
// because the numbers of two would be two Series. It is safe for concurrent use.
type Publisher struct {
	broker  realtime.Broker
	o       Options
	tallies *tallies
}

// New returns a Publisher on a broker, which stays open.
func New(broker realtime.Broker, o Options) *Publisher {
	if o.Placement == nil {
		o.Placement = realtime.OwnTopic
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Channels <= 0 {
		o.Channels = 100_000
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	return &Publisher{broker: broker, o: o, tallies: newTallies(o.Channels)}
}

// Publish publishes to channels of one tenant, in the order of pubs, and
// returns when the broker has stored all of them, or has refused some, or the time is up. A
// Publication without an ID is given one, in pubs, and what its namespace makes Transient is marked so. Data and Tags are not kept
// after it has returned.
//
// Everything is checked before anything is handed over: when a Publication is
// malformed or of another tenant, none is published and the code is CodeBadRequest, or CodeTooLarge if its
// Data is larger than MaxMessageBytes. What
// the broker did not store in time has CodeUnavailable; it may be stored
// all the same, and publishing it again with its ID is safe. An error is a *Error, which
// says what became of which Publication.
//
// Once a Publication has failed that is worth a retry (CodeUnavailable, CodeLimited), so do those behind it of its
// channel, and none of them is stored ahead of it: who publishes again all that failed, in their order, and before
// anything newer of the same channels, has published in order.
func (p *Publisher) Publish(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication) error {
	return p.publish(ctx, t, pubs, (*realtime.Publication).CheckData)
}

// PublishChecked is Publish for a gateway, which has read the Data as part of its clients' frames: it is not read again. Only
// packages of this module can call it.
func (p *Publisher) PublishChecked(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication, _ checked.JSON) error {
	return p.publish(ctx, t, pubs, (*realtime.Publication).CheckSize)
}

func (p *Publisher) publish(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication, checkData func(*realtime.Publication) error) error {
	if len(pubs) == 0 {
		return nil
	}
	if err := check(t, pubs, checkData); err != nil {
		return err
	}
	trace, ended := p.trace(ctx, t.ID, pubs)
	start := time.Now()
	topics, n := realtime.WriteTopics(p.o.Placement, t, start)
	c := &call{pubs: pubs, left: n * len(pubs), under: -1}
	c.free.L = &c.mu
	c.handovers = c.one[:]
	if c.left > 1 {
		c.handovers = make([]handover, c.left)
	}
	for i := range pubs {
		if pubs[i].ID == "" {
			pubs[i].ID = newID()
		}
		hs := c.handovers[i*n : (i+1)*n]
		for k := range hs {
			hs[k].call, hs[k].index = c, int32(i) //nolint:gosec // nobody publishes two billion at once
		}
		c.message = realtime.Message{Kind: realtime.KindPublication, Publication: pubs[i], Trace: trace}
		p.handOver(ctx, c, topics[:n], hs)
	}
	err := c.wait(ctx, p.o.Timeout)
	p.measure(t.ID, len(pubs), err, time.Since(start))
	var failed error // not the pointer in an interface
	if err != nil {
		failed = err
	}
	if ended != nil {
		ended(failed)
	}
	return failed
}

func (p *Publisher) trace(ctx context.Context, tenant string, pubs []realtime.Publication) (trace string, ended func(error)) {
	if p.o.Tracer == nil {
		return "", nil
	}
	return p.o.Tracer.Publishing(ctx, tenant, pubs)
}

func (p *Publisher) measure(tenant string, all int, err *Error, d time.Duration) {
	failed := 0
	if err != nil {
		failed = len(err.Failed)
		p.o.Metrics.Add(realtime.CountPublishes, tenant, realtime.ReasonFailed, failed)
	}
	if all > failed {
		p.o.Metrics.Add(realtime.CountPublishes, tenant, realtime.ReasonStored, all-failed)
	}
	p.o.Metrics.Took(realtime.TimingPublish, tenant, d)
}

// check refuses a call of which any Publication is out of bounds.
func check(t *realtime.Tenant, pubs []realtime.Publication, checkData func(*realtime.Publication) error) error {
	var bad []Failed
	for i := range pubs {
		err := pubs[i].Check()
		if err == nil {
			err = checkData(&pubs[i])
		}
		if c := pubs[i].Channel; err == nil && c.Tenant() != t.ID {
			err = realtime.Errorf(realtime.CodeBadRequest, "channel: %q belongs to another tenant", c.Name())
		}
		if err == nil {
			err = t.Classify(&pubs[i])
		}
		if err != nil {
			bad = append(bad, Failed{i, err})
		}
	}
	if bad != nil {
		return &Error{Of: len(pubs), Failed: bad}
	}
	return nil
}

// newPublicationID returns 128 random bits as 22 characters.
func newID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand.Read
	var text [22]byte
	base64.RawURLEncoding.Encode(text[:], raw[:])
	return string(text[:])
}

// Error says which Publications of one call were not published.
type Error struct {
	Of     int      // how many the call had
	Failed []Failed // by index, at least one
}

// Failed is one that was not published.
type Failed struct {
	Index int // in the slice given to Publish
	Err   error
}

// Error shows how many failed and the first of them.
func (e *Error) Error() string {
	first := e.Failed[0]
	if e.Of == 1 {
		return "publish: " + first.Err.Error()
	}
	return fmt.Sprintf("publish: %d of %d failed, first number %d: %v", len(e.Failed), e.Of, first.Index, first.Err)
}

// Unwrap returns the errors, so that CodeOf finds the code of the first.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}
