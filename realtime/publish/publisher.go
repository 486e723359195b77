package publish

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
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
// Publication without an ID is given one, in pubs. Data and Tags are not kept
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
	if len(pubs) == 0 {
		return nil
	}
	if err := check(t, pubs); err != nil {
		return err
	}
	trace, ended := p.trace(ctx, t.ID, pubs)
	start := time.Now()
	topics, n := realtime.WriteTopics(p.o.Placement, t, start)
	c := &call{pubs: pubs, left: n * len(pubs)}
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
		if why := c.behind(pubs[i].Channel); why != nil {
			c.refuse(hs, why)
			continue
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
		p.o.Metrics.Add(realtime.CountPublishes, tenant, "failed", failed)
	}
	if all > failed {
		p.o.Metrics.Add(realtime.CountPublishes, tenant, "stored", all-failed)
	}
	p.o.Metrics.Took(realtime.TimingPublish, tenant, d)
}

// check refuses a call of which any Publication is out of bounds.
func check(t *realtime.Tenant, pubs []realtime.Publication) error {
	var bad []Failed
	for i := range pubs {
		err := pubs[i].Check()
		if err == nil {
			err = pubs[i].CheckData()
		}
		if c := pubs[i].Channel; err == nil && c.Tenant() != t.ID {
			err = realtime.Errorf(realtime.CodeBadRequest, "channel: %q belongs to another tenant", c.Name())
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

// call is one call of Publish. For one Publication and a broker that stores at
// once it is all that is allocated, besides the ID and the function the broker calls.
type call struct {
	message   realtime.Message // handed over one after the other: a broker does not keep it
	pubs      []realtime.Publication
	handovers []handover // of each Publication as many as there are topics
	one       [1]handover

	mu     sync.Mutex                           // guards what follows, err and ended of every handover, and pubs, which are the caller's again when left is 0
	left   int                                  // not done yet
	ended  chan struct{}                        // made by a wait that has to, closed when left comes to 0
	failed map[realtime.Channel]*realtime.Error // the first failure of each channel that is worth a retry; made by it
}

// handover is one Publication on its way to a topic.
type handover struct {
	call  *call
	tally *tally // nil: it was not handed over
	err   error
	index int32 // in call.pubs
	ended bool
}

// handOver gives the call's message its number and to the broker, as one step
// for its channel: the order of numbers is the order of the broker, on each topic.
func (p *Publisher) handOver(ctx context.Context, c *call, topics []realtime.Topic, hs []handover) {
	m := &c.message
	s := p.tallies.of(m.Channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	tally := s.tally(m.Channel)
	tally.number(m, time.Now())
	for i, topic := range topics {
		hs[i].tally = tally
		p.broker.Publish(ctx, topic, m, hs[i].done)
	}
}

// behind returns why a Publication to the channel may not be handed over: one before it failed, will be published again,
// and must not come after it. What was handed over by then fails by the contract of the broker.
func (c *call) behind(ch realtime.Channel) *realtime.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.failed[ch]
	if first == nil {
		return nil
	}
	return &realtime.Error{
		Code: first.Code, Limit: first.Limit, RetryAfter: max(first.RetryAfter, time.Second), Err: first,
		Message: "a publication before it on its channel was not stored; publish both again, in their order",
	}
}

// refuse ends what is not handed over.
func (c *call) refuse(hs []handover, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range hs {
		hs[i].end(why)
	}
}

// fail remembers a failure that is worth a retry. c.mu is held.
func (c *call) fail(h *handover, err error) {
	first := (*realtime.Error)(nil)
	if !errors.As(err, &first) || first.Code != realtime.CodeUnavailable && first.Code != realtime.CodeLimited {
		return
	}
	if c.failed == nil {
		c.failed = map[realtime.Channel]*realtime.Error{}
	}
	if ch := c.pubs[h.index].Channel; c.failed[ch] == nil {
		c.failed[ch] = first
	}
}

// done is what the broker calls, perhaps while handOver holds the lock of the
// channel, perhaps after wait has given up.
func (h *handover) done(err error) {
	c := h.call
	c.mu.Lock()
	defer c.mu.Unlock()
	h.end(err)
}

// end records what became of the Publication; the first to say so counts. call.mu is held.
func (h *handover) end(err error) {
	if h.ended {
		return
	}
	h.ended, h.err = true, err
	c := h.call
	if err != nil && h.tally != nil {
		h.tally.broken.Store(true)
		c.fail(h, err)
	}
	if c.left--; c.left == 0 && c.ended != nil {
		close(c.ended)
	}
}

// wait returns when every Publication has ended, or ends those that have not
// when the time is up or ctx has ended.
func (c *call) wait(ctx context.Context, timeout time.Duration) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left > 0 {
		c.ended = make(chan struct{})
		c.mu.Unlock()
		var late error
		timer := time.NewTimer(timeout)
		select {
		case <-c.ended:
		case <-timer.C:
			late = &realtime.Error{Code: realtime.CodeUnavailable, Message: "the broker has not stored it in " + timeout.String(), RetryAfter: time.Second}
		case <-ctx.Done():
			late = &realtime.Error{Code: realtime.CodeUnavailable, Message: "nobody is waiting for it any longer", RetryAfter: time.Second, Err: context.Cause(ctx)}
		}
		timer.Stop()
		c.mu.Lock()
		for i := range c.handovers {
			c.handovers[i].end(late)
		}
	}
	var bad []Failed
	for i := range c.handovers {
		index := int(c.handovers[i].index)
		if err := c.handovers[i].err; err != nil && (len(bad) == 0 || bad[len(bad)-1].Index != index) {
			bad = append(bad, Failed{index, err})
		}
	}
	if bad == nil {
		return nil
	}
	return &Error{Of: len(c.pubs), Failed: bad}
}
