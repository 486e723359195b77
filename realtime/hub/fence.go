package hub

import (
	linked "container/list"
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// fence is a control message under way through one channel, with the questions
// that were asked before it was sent. It is guarded by feed.mu.
type fence struct {
	id        string
	ch        *channel
	sent      time.Time
	strong    bool            // sent after the beacon came back
	breaks    uint64          // g.breaks when it was sent: if the stream broke since, it proves nothing
	place     *linked.Element // in g.sent
	questions []*question
}

// outgoing is a control message to be published once feed.mu is released.
type outgoing struct {
	g       *generation
	message realtime.Message
	fence   *fence
}

func (o *outgoing) publish(f *feed) {
	g, fe, id := o.g, o.fence, o.message.ID
	failed := func(err error) {
		if err == nil {
			return
		}
		defer f.caught(contain.Topic, &err) // this may be a goroutine of the broker's
		f.lock()
		defer f.unlock()
		// The next sweep sends another.
		if fe != nil {
			fe.giveUp()
			fe.ch.enqueue()
		} else if g.pulse == id {
			g.pulse = ""
		}
	}
	if err := f.hand(g.ctx, &o.message, failed); err != nil {
		failed(err)
	}
}

// hand gives a message to the broker. An error says that the broker panicked.
func (f *feed) hand(ctx context.Context, m *realtime.Message, done func(error)) (err error) {
	defer f.caught(contain.Broker, &err)
	f.hub.broker.Publish(ctx, f.topic, m, done)
	return nil
}

// sendFence sends one if the channel has a reason to and none is under way. A
// record can stand only by a fence sent after the beacon came back; when the
// beacon is overdue, questions are answered by a fence all the same. What cannot be sent yet waits
// in line.
func (ch *channel) sendFence() {
	g := ch.g
	asked := len(ch.waiting) > 0
	if ch.fence != nil || !asked && !ch.moving && (len(ch.readers) == 0 || ch.state() == live) {
		return
	}
	sendable := g.phase == caughtUp || g.phase.open() && (ch.state() != buffering || asked && g.phase == overdue)
	if !sendable {
		ch.enqueue()
		return
	}
	fe := &fence{id: uid.New(), ch: ch, sent: time.Now(), strong: g.phase == caughtUp, breaks: g.breaks, questions: ch.waiting}
	ch.fence, ch.waiting = fe, nil
	g.fences[fe.id] = fe
	fe.place = g.sent.PushBack(fe)
	g.feed.hub.count.Add(realtime.CountFences, ch.name.Tenant(), "sent", 1)
	g.feed.out = append(g.feed.out, outgoing{g: g, fence: fe, message: realtime.Message{
		Kind: realtime.KindFence, Publication: realtime.Publication{Channel: ch.name, ID: fe.id}, Origin: g.feed.hub.o.Instance,
	}})
}

// enqueue puts the channel in line for a fence.
func (ch *channel) enqueue() {
	if !ch.queued {
		ch.queued = true
		ch.g.wanting = append(ch.g.wanting, ch)
	}
}

// sendFences begins to send those that stand in line, as a chore.
func (g *generation) sendFences() {
	g.pass = len(g.wanting)
	g.feed.startChores()
}

// giveUp takes back the questions of a fence that says nothing.
func (fe *fence) giveUp() {
	ch := fe.ch
	if ch.fence != fe {
		return
	}
	ch.fence = nil
	delete(ch.g.fences, fe.id)
	ch.g.sent.Remove(fe.place)
	ch.waiting = append(fe.questions, ch.waiting...)
}

// returned is told that the fence came back, with its publish time: everything
// published to the channel before it has come.
func (fe *fence) returned(ms int64) {
	ch, g := fe.ch, fe.ch.g
	g.feed.hub.count.Add(realtime.CountFences, ch.name.Tenant(), "returned", 1)
	fe.giveUp()
	if fe.breaks != g.breaks {
		ch.sendFence()
		return
	}
	if ch.state() == buffering && fe.strong {
		if hole := ch.rec.Make(ms); hole && g.why != "hole" {
			// Perhaps only this stream lacks it; the next generation tells.
			ch.doubt()
			ch.unpark()
			g.feed.replace(g, "hole")
			return
		}
		ch.unpark()
	}
	ch.trust()
	answered := ch.waiting[:len(fe.questions)]
	ch.waiting = append([]*question(nil), ch.waiting[len(fe.questions):]...)
	for _, q := range answered {
		ch.answer(q, ms)
	}
	if ch.moving && ch.state() != buffering {
		ch.takeOver()
	}
	ch.sendFence()
}

// sendPulse makes a silent topic speak.
func (g *generation) sendPulse(now time.Time) {
	g.pulse, g.pulsed = uid.New(), now
	g.feed.out = append(g.feed.out, outgoing{g: g, message: realtime.Message{
		Kind: realtime.KindPulse, Publication: realtime.Publication{ID: g.pulse}, Origin: g.feed.hub.o.Instance,
	}})
}
