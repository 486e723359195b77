package tidewire

import (
	"math/rand/v2"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// feed is a channel that is read, as the loop has it: where it stands, whatever links there are.
type feed struct {
	c       *Client
	channel string
	queue   *queue
	want    wire.Options
	tunes   []*tuning // that are not answered, in order; the first is under way

	position realtime.Position // of the newest update in the queue
	view     string            // with state: by what was shown what the queue was given
	asOf     int64             // of the newest heartbeat on the link that it is read from, since its answer
	link     *link             // that it is read from; messages by any other are repetitions
	asking   map[*link]bool
	again    *time.Timer // to ask
	paused   bool        // the queue was full, and the server was told to send nothing
	partial  bool        // a snapshot is under way: until its end there is no position to go on from
	recent   recent
	// During a move the next link repeats what the one before has brought: what is older than floor, until then.
	floor      int64
	floorUntil time.Time
}

// repeatsWithin is how long a link may repeat what the one before it has brought.
const repeatsWithin = 30 * time.Second

// ask has the channel sent by the newest link, unless it is.
func (f *feed) ask() {
	l := f.c.links.live
	if n := f.c.links.next; n != nil && !n.opened.IsZero() {
		l = n
	}
	if l != nil && !l.opened.IsZero() {
		f.askOn(l)
	}
}

func (f *feed) askOn(l *link) {
	if f.paused || f.link == l || f.asking[l] {
		return
	}
	frame := &wire.ClientFrame{Type: wire.TypeSubscribe, Channel: f.channel, Since: f.position, View: f.shownBy(), AsOf: f.asOf, Options: f.want}
	if l.tooLarge(frame) {
		delete(f.c.feeds, f.channel)
		f.end(errTooLarge("subscription"))
		return
	}
	l.request(frame, f.asked(l))
}

// asked notes a question and returns what to do with its answer.
func (f *feed) asked(l *link) func(*wire.ServerFrame, error) {
	f.stopAsking()
	f.asking[l] = true
	l.asked++
	view := f.view
	return func(a *wire.ServerFrame, err error) {
		l.asked--
		delete(f.asking, l)
		switch {
		case f.c.feeds[f.channel] != f || l.over || f.link != nil && !f.link.over && f.link.number > l.number:
		case err != nil:
			f.refused(l, asError(err))
		default:
			f.answered(l, a, view)
		}
	}
}

func (f *feed) stopAsking() {
	if f.again != nil {
		f.again.Stop()
	}
}

// answered begins to read from a link, which was told that what there is was shown by a view.
func (f *feed) answered(l *link, a *wire.ServerFrame, view string) {
	moved := f.link != nil && !f.link.over
	f.link, f.floor = l, 0
	defer f.tuneNext()
	at, err := realtime.ParsePosition(a.Position)
	if f.want.State {
		if a.Resumed && view != f.view { // the other link of a move has brought other rows meanwhile
			f.restart()
			return
		}
		if f.partial = !a.Resumed; f.partial {
			f.unknown()
		}
		f.queue.put(Update{Kind: KindLive, Position: f.position.String(), Resumed: a.Resumed, MaxRate: a.MaxRate})
		return
	}
	switch {
	case a.Gap:
		f.position = at
		f.queue.put(Update{Kind: KindGap, Position: a.Position, Answer: true})
	case moved && a.Resumed: // it goes on where the question stood: what has come since by the link before is repeated
		f.floor, f.floorUntil = f.position.Time, time.Now().Add(repeatsWithin)
		return
	case err == nil && f.position.IsZero():
		f.position = at
	}
	if !a.Gap {
		f.queue.put(Update{Kind: KindLive, Position: a.Position, Resumed: a.Resumed, MaxRate: a.MaxRate})
	}
}

// refused asks again later, or ends the Subscription.
func (f *feed) refused(l *link, why *realtime.Error) {
	if f.link == l {
		f.link = nil
	}
	if f.c.o.Once || why.Code != realtime.CodeConflict && (!later(why) || why.Limit == limitSubscriptions) {
		delete(f.c.feeds, f.channel)
		f.end(why)
		return
	}
	wait := max(why.RetryAfter, time.Second)
	f.stopAsking()
	f.again = f.c.after(wait+rand.N(wait/2), f.ask) //nolint:gosec // spreads questions, hides nothing
}

// limitSubscriptions is the limit that another try does not help against.
const limitSubscriptions = "subscriptionsPerConnection"

// end ends the Subscription.
func (f *feed) end(why error) {
	f.stopAsking()
	for _, q := range f.tunes {
		q.done(nil, why)
	}
	f.tunes = nil
	f.queue.end(why)
}

func (f *feed) message(l *link, m *wire.ServerFrame, raw []byte) {
	if f.link != l {
		return
	}
	if f.want.State && (m.Key != "" || m.Cleared) {
		f.change(l, m, raw)
		return
	}
	at, err := realtime.ParsePosition(m.Position)
	if err != nil { // it cannot be told what this is
		f.queue.put(Update{Kind: KindGap, Position: f.position.String()})
		return
	}
	if at.Time < f.floor && time.Now().Before(f.floorUntil) {
		return
	}
	f.floor = 0
	u := Update{Kind: KindMessage, Position: m.Position, Message: message(m, raw)}
	if !f.queue.room(&u) {
		f.pause(l)
		return
	}
	if f.recent.seen(at.ID) {
		if at.Time > f.position.Time {
			f.position = at
		}
		return
	}
	if !f.partial {
		f.position = at
	}
	f.queue.put(u)
}

func (f *feed) notice(l *link, n *wire.ServerFrame) {
	if f.link != l {
		return
	}
	switch n.Code {
	case wire.NoticeGap:
		if at, err := realtime.ParsePosition(n.Position); err == nil {
			f.position = at
		}
		f.floor = 0
		f.queue.put(Update{Kind: KindGap, Position: n.Position})
	case wire.NoticeDropped:
		f.queue.put(Update{Kind: KindDropped, Position: f.position.String(), Count: n.Count, ByServer: true})
	case wire.NoticeView:
		f.view = n.View
	case wire.NoticeTuned:
		f.queue.put(Update{Kind: KindTuned, Position: f.position.String(), MaxRate: n.MaxRate, Reason: n.Reason})
	}
}

func (f *feed) heartbeat(l *link, asOf int64) {
	if f.link == l && asOf > 0 && !f.partial {
		f.asOf = asOf
		f.queue.mark(asOf)
	}
}

// pause has the server send nothing of the channel until the reader has caught up. What has been missed by then comes by a resume.
func (f *feed) pause(l *link) {
	f.paused, f.link = true, nil
	f.leave(l)
	for _, q := range f.tunes {
		q.sent = nil
	}
}

// resume ends a pause.
func (f *feed) resume() {
	if f.paused && f.c.feeds[f.channel] == f {
		f.paused = false
		f.ask()
	}
}

// restart forgets where the channel stands.
func (f *feed) restart() {
	f.position, f.asOf = realtime.Position{}, 0
	if l := f.link; l != nil && !l.over {
		f.link = nil
		f.leave(l)
	}
	f.ask()
}

// leave has the channel not sent any more by a link.
func (f *feed) leave(l *link) {
	l.request(&wire.ClientFrame{Type: wire.TypeUnsubscribe, Channel: f.channel}, func(*wire.ServerFrame, error) {})
}

// The connect frame asks for channels within these bounds; the others are asked for after the welcome.
const (
	firstChannels = 100
	firstBytes    = 32 << 10
)

// askFirst has the connect frame ask for channels. All have the same asOf.
func (c *Client) askFirst(l *link, hello *wire.ClientFrame) {
	for _, f := range c.feeds {
		hello.AsOf = max(hello.AsOf, f.asOf)
	}
	size := 0
	for _, f := range c.feeds {
		frame := &wire.ClientFrame{Channel: f.channel, Since: f.position, View: f.shownBy(), Options: f.want}
		n := len(frame.AppendJSON(nil))
		if f.paused || f.asOf != hello.AsOf || len(hello.Subscriptions) >= firstChannels || size+n > firstBytes {
			continue
		}
		size += n
		hello.Subscriptions = append(hello.Subscriptions, wire.Subscription{Channel: f.channel, Since: f.position, View: f.shownBy(), Options: f.want})
		l.first[f.channel] = &question{done: f.asked(l)}
	}
}
