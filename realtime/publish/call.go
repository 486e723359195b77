package publish

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// call is one call of Publish. For one Publication and a broker that stores at
// once it is all that is allocated, besides the ID and the function the broker calls.
type call struct {
	message   realtime.Message // handed over one after the other: a broker does not keep it
	pubs      []realtime.Publication
	handovers []handover // of each Publication as many as there are topics
	one       [1]handover

	mu     sync.Mutex                           // guards what follows, err and ended of every handover, and pubs, which are the caller's again when left is 0
	left   int                                  // not done yet
	under  int32                                // the index in pubs of what is being handed over; -1: nothing is
	free   sync.Cond                            // told when under comes to -1
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
// for its channel: the order of numbers is the order of the broker, on each topic. It hands over nothing
// behind a failure.
func (p *Publisher) handOver(ctx context.Context, c *call, topics []realtime.Topic, hs []handover) {
	m := &c.message
	s := p.tallies.of(m.Channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.begin(m.Channel, hs) {
		return
	}
	defer c.handedOver()
	tally := s.tally(m.Channel)
	tally.number(m, time.Now())
	for i, topic := range topics {
		hs[i].tally = tally
		p.broker.Publish(ctx, topic, m, hs[i].done)
	}
}

// begin reports whether a Publication may be handed over, and if one before it on its channel has failed it ends it: that one
// will be published again, and must not come after it. From here to handedOver no call of done with the failure of another
// one returns. So the broker refuses, by its contract, what is handed over before such a failure is known here.
func (c *call) begin(ch realtime.Channel, hs []handover) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.failed[ch]
	if first == nil {
		c.under = hs[0].index
		return true
	}
	why := &realtime.Error{
		Code: first.Code, Limit: first.Limit, RetryAfter: max(first.RetryAfter, time.Second), Err: first,
		Message: "a publication before it on its channel was not stored; publish both again, in their order",
	}
	for i := range hs {
		hs[i].end(why)
	}
	return false
}

func (c *call) handedOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.under = -1
	c.free.Broadcast()
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
// channel, perhaps after wait has given up. A failure waits for the end of a hand-over, see begin.
func (h *handover) done(err error) {
	c := h.call
	c.mu.Lock()
	defer c.mu.Unlock()
	for err != nil && c.under >= 0 && c.under != h.index {
		c.free.Wait()
	}
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
