package tidewire

import (
	"context"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// window is how many publishes are under way at once: fewer refusals in a row than a server bears.
const window = 64

// Confirmation is what becomes of an event that Enqueue has taken.
type Confirmation struct {
	c    *Client
	p    *publication
	done chan struct{}
	id   string
	err  error
}

// Publish publishes an event and returns its ID when the server has stored it. It is sent again, with the same ID, after a loss and when the
// server asks for that, until ctx ends: then the event may be stored or not, and publishing it again with its ID is safe.
func (c *Client) Publish(ctx context.Context, e Event) (id string, err error) {
	confirmation, err := c.Enqueue(ctx, e)
	if err != nil {
		return "", err
	}
	return confirmation.Wait(ctx)
}

// Enqueue takes an event to be published behind those that were taken before, and returns without waiting for the server. It waits
// while MaxPending are pending. The caller may use what e refers to again when Wait has returned.
func (c *Client) Enqueue(ctx context.Context, e Event) (*Confirmation, error) {
	e.Identify()
	if err := e.Check(); err != nil {
		return nil, err
	}
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	confirmation := &Confirmation{c: c, done: make(chan struct{}), id: e.ID}
	confirmation.p = &publication{frame: e.frame(), confirmation: confirmation}
	if !c.do(func() { c.out.add(confirmation.p) }) {
		<-c.room
		return nil, c.Err()
	}
	return confirmation, nil
}

// enter waits for room among what is pending. Who has it gives it back by a receive.
func (c *Client) enter(ctx context.Context) error {
	select {
	case c.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.life.Done():
		return c.Err()
	}
}

// Wait returns the ID of the event when the server has stored it, or why it will not. When ctx ends before, the event is not sent again.
func (w *Confirmation) Wait(ctx context.Context) (id string, err error) {
	select {
	case <-w.done:
		return w.id, w.err
	case <-ctx.Done():
		w.c.do(func() { w.c.out.giveUp(w.p, context.Cause(ctx)) })
		return w.id, context.Cause(ctx)
	}
}

// publication is an event that is not confirmed yet.
type publication struct {
	frame        *wire.ClientFrame
	confirmation *Confirmation
	sent         bool  // on the link of publishing, and not answered
	gone         error // why nobody waits for it; nil: somebody does
}

// publishing is what is published, in order. It belongs to the loop.
type publishing struct {
	c        *Client
	all      []*publication // that are not confirmed, in order; at most Options.MaxPending
	link     *link          // that they are sent on
	sent     int            // how many of them are
	window   int            // how many may be
	refusals int64          // that the link has counted
	hold     bool           // something was refused: nothing is sent before the others are answered, and until
	until    time.Time
	timer    *time.Timer // of until
}

func (o *publishing) add(p *publication) {
	o.all = append(o.all, p)
	o.pump()
}

// use goes on with a link that is open.
func (o *publishing) use(l *link) {
	if o.link == nil || o.link.over {
		o.link, o.refusals, o.hold, o.window = l, 0, false, window
	}
	o.pump()
}

// moved goes on with the link that is live, if the one before owes nothing any more.
func (o *publishing) moved() {
	if l := o.c.links.live; l != nil && !l.opened.IsZero() && o.sent == 0 && o.link != l {
		o.link = nil
		o.use(l)
	}
}

// pump sends what may be sent.
func (o *publishing) pump() {
	l := o.link
	if l == nil || l.over {
		return
	}
	if l != o.c.links.live {
		o.moved()
		return
	}
	if o.hold {
		wait := time.Until(o.until)
		if o.sent > 0 {
			return
		}
		if o.stop(); wait > 0 {
			o.timer = o.c.after(wait, o.pump)
			return
		}
		o.hold = false
	}
	for _, p := range slices.Clone(o.all) {
		if o.sent >= o.window || o.hold || l.over {
			return
		}
		if !p.sent {
			o.send(l, p)
		}
	}
}

func (o *publishing) send(l *link, p *publication) {
	p.frame.Refusals = o.refusals
	if l.tooLarge(p.frame) {
		o.settle(p, errTooLarge("event"))
		return
	}
	p.sent = true
	o.sent++
	frame := *p.frame
	l.request(&frame, func(f *wire.ServerFrame, err error) { o.answered(l, p, f, err) })
}

func (o *publishing) answered(l *link, p *publication, f *wire.ServerFrame, err error) {
	p.sent = false
	o.sent--
	why := asError(err)
	switch {
	case l.over: // it is sent again
		if p.gone != nil {
			o.settle(p, p.gone)
		}
		return
	case err == nil:
		o.window = min(o.window+1, window)
		p.confirmation.id = f.Event
		o.settle(p, nil)
	case o.c.o.Once:
		o.settle(p, err)
	case why.Code == realtime.CodeUnavailable || why.Code == realtime.CodeDraining || why.RetryAfter > 0:
		if !o.hold {
			o.hold, o.until, o.window = true, time.Now().Add(max(why.RetryAfter, 100*time.Millisecond)), 1
		}
		o.refusals = max(o.refusals, f.Refusals)
		if p.gone != nil {
			o.settle(p, p.gone)
		}
	default:
		o.settle(p, err)
	}
	o.pump()
}

// settle says what has become of an event.
func (o *publishing) settle(p *publication, err error) {
	p.confirmation.err = err
	close(p.confirmation.done)
	o.remove(p)
}

// giveUp ends an event that nobody waits for. One that was sent may be stored all the same.
func (o *publishing) giveUp(p *publication, why error) {
	if p.gone != nil || !slices.Contains(o.all, p) {
		return
	}
	if p.gone = why; !p.sent {
		o.settle(p, why)
	}
}

func (o *publishing) remove(p *publication) {
	if i := slices.Index(o.all, p); i >= 0 {
		o.all = slices.Delete(o.all, i, i+1)
		<-o.c.room
	}
}

func (o *publishing) stop() {
	if o.timer != nil {
		o.timer.Stop()
	}
}

// end fails everything.
func (o *publishing) end(why error) {
	o.stop()
	for len(o.all) > 0 {
		o.settle(o.all[0], why)
	}
}
