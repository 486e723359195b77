// Package publishing sends what a client publishes, in order, and again until it is confirmed.
package publishing

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/loop"
	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// window is how many publishes are under way at once: fewer refusals in a row than a server bears.
const window = 64

// Publication is an event to be published. Its fields are set before Add.
type Publication struct {
	Frame *wire.ClientFrame
	Done  func(id string, err error) // is called by the loop, once
	// Answer is that of the server, set before Done is called without an error.
	Answer *wire.ServerFrame
	sent   bool  // on the link of the Line, and not answered
	gone   error // why nobody waits for it; nil: somebody does
}

// Line is what is published, in order. It belongs to the loop.
type Line struct {
	loop     *loop.Loop
	live     func() *link.Link
	once     bool
	all      []*Publication // that are not confirmed, in order; who adds bounds them
	link     *link.Link     // that they are sent on
	sent     int            // how many of them are
	window   int            // how many may be
	refusals int64          // that the link has counted
	hold     bool           // something was refused: nothing is sent before the others are answered, and until
	until    time.Time
	timer    *time.Timer // of until
}

// New returns an empty Line. live is the open link in use, nil if there is none. once: what is refused is not sent again.
func New(on *loop.Loop, live func() *link.Link, once bool) *Line {
	return &Line{loop: on, live: live, once: once}
}

// Add takes a Publication behind those that there are.
func (o *Line) Add(p *Publication) {
	o.all = append(o.all, p)
	o.pump()
}

// Use goes on with a link that is open.
func (o *Line) Use(l *link.Link) {
	if o.link == nil || o.link.Over() {
		o.link, o.refusals, o.hold, o.window = l, 0, false, window
	}
	o.pump()
}

// Moved goes on with the link that is live, if the one before owes nothing any more.
func (o *Line) Moved() {
	if l := o.live(); l != nil && o.sent == 0 && o.link != l {
		o.link = nil
		o.Use(l)
	}
}

// pump sends what may be sent.
func (o *Line) pump() {
	l := o.link
	if l == nil || l.Over() {
		return
	}
	if l != o.live() {
		o.Moved()
		return
	}
	if o.hold {
		wait := time.Until(o.until)
		if o.sent > 0 {
			return
		}
		if o.stop(); wait > 0 {
			o.timer = o.loop.After(wait, o.pump)
			return
		}
		o.hold = false
	}
	for _, p := range slices.Clone(o.all) {
		if o.sent >= o.window || o.hold || l.Over() {
			return
		}
		if !p.sent {
			o.send(l, p)
		}
	}
}

func (o *Line) send(l *link.Link, p *Publication) {
	p.Frame.Refusals = o.refusals
	if l.TooLarge(p.Frame) {
		o.settle(p, link.ErrTooLarge("event"))
		return
	}
	p.sent = true
	o.sent++
	frame := *p.Frame
	l.Request(&frame, func(f *wire.ServerFrame, err error) { o.answered(l, p, f, err) })
}

func (o *Line) answered(l *link.Link, p *Publication, f *wire.ServerFrame, err error) {
	p.sent = false
	o.sent--
	why := verdict.Of(err)
	switch {
	case l.Over(): // it is sent again
		if p.gone != nil {
			o.settle(p, p.gone)
		}
		return
	case err == nil:
		o.window = min(o.window+1, window)
		p.Frame.Event, p.Answer = f.Event, f
		o.settle(p, nil)
	case o.once:
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
func (o *Line) settle(p *Publication, err error) {
	if i := slices.Index(o.all, p); i >= 0 {
		o.all = slices.Delete(o.all, i, i+1)
		p.Done(p.Frame.Event, err)
	}
}

// GiveUp ends an event that nobody waits for. One that was sent may be stored all the same.
func (o *Line) GiveUp(p *Publication, why error) {
	if p.gone != nil || !slices.Contains(o.all, p) {
		return
	}
	if p.gone = why; !p.sent {
		o.settle(p, why)
	}
}

func (o *Line) stop() {
	if o.timer != nil {
		o.timer.Stop()
	}
}

// End fails everything.
func (o *Line) End(why error) {
	o.stop()
	for len(o.all) > 0 {
		o.settle(o.all[0], why)
	}
}
