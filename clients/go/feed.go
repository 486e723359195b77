package tidewire

import (
	"math/rand/v2"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// feed is a channel that is read, or all channels that a pattern selects, as the loop has it: where it stands, whatever links there are.
type feed struct {
	c       *Client
	name    string // of the channel, or the pattern
	sub     string // what tells it apart from others of the same channel; empty for the first of a channel
	pattern bool
	queue   *queue
	want    wire.Options
	tunes   []*tuning // that are not answered, in order; the first is under way

	cursors *cursor.Set
	asOf    int64      // of the newest heartbeat on the link that it is read from, since its answer
	begun   int64      // of a pattern: from when on it was read without an asOf
	link    *link.Link // that it is read from; messages by any other are repetitions
	asking  map[*link.Link]bool
	again   *time.Timer // to ask
	paused  bool        // the queue was full, and the server was told to send nothing
}

// feedKey is how a frame names a feed: by sub if it has one, by channel if not.
type feedKey struct{ sub, channel string }

func (f *feed) key() feedKey {
	if f.sub != "" {
		return feedKey{sub: f.sub}
	}
	return feedKey{channel: f.name}
}

// feed returns the one that a frame is about, nil if there is none.
func (c *Client) feed(frame *wire.ServerFrame) *feed {
	if frame.Sub != "" {
		return c.feeds[feedKey{sub: frame.Sub}]
	}
	return c.feeds[feedKey{channel: frame.Channel}]
}

// isRead reports whether the feed has not ended.
func (f *feed) isRead() bool { return f.c.feeds[f.key()] == f }

// put queues an update about a channel.
func (f *feed) put(channel string, u Update) {
	u.Channel = channel
	f.queue.put(u)
}

// ask has the channel sent by the newest link, unless it is.
func (f *feed) ask() {
	if l := f.c.connection.Newest(); l != nil {
		f.askOn(l)
	}
}

func (f *feed) askOn(l *link.Link) {
	if f.paused || f.link == l || f.asking[l] {
		return
	}
	frame := f.request(l.Welcome.Limits.MessageBytes / 2)
	frame.Type = wire.TypeSubscribe
	if l.TooLarge(frame) {
		delete(f.c.feeds, f.key())
		f.end(link.ErrTooLarge("subscription"))
		return
	}
	l.Request(frame, f.asked(l, frame))
}

// request asks for the channel from where it stands on. The positions of a pattern have about so many bytes at most.
func (f *feed) request(room int) *wire.ClientFrame {
	frame := &wire.ClientFrame{Channel: f.name, Sub: f.sub, AsOf: f.asOf, Options: f.want}
	if f.pattern {
		frame.Positions = f.cursors.Positions(room)
		frame.Views = f.cursors.Views(frame.Positions)
	} else if u := f.cursors.Only(); !u.Position.IsZero() {
		frame.Since, frame.View = u.Position, u.View
	}
	return frame
}

// asked notes a question, and returns what to do with its answer.
func (f *feed) asked(l *link.Link, question *wire.ClientFrame) func(*wire.ServerFrame, error) {
	f.stopAsking()
	f.asking[l] = true
	l.Asked++
	view, about := "", *question
	if !f.pattern {
		view = f.cursors.Only().View
	}
	return func(a *wire.ServerFrame, err error) {
		l.Asked--
		delete(f.asking, l)
		switch {
		case !f.isRead() || l.Over() || f.left(l):
		case err != nil:
			f.refused(l, verdict.Of(err))
		case f.pattern:
			f.begin(l, a, &about)
		default:
			f.answered(l, a, view)
		}
	}
}

// left reports whether a newer link has been answered: the channel was left on this one, unless that is lost and this one is what there is.
func (f *feed) left(l *link.Link) bool {
	return f.link != nil && f.link.Number > l.Number && (!f.link.Over() || f.c.connection.Newest() != l)
}

func (f *feed) stopAsking() {
	if f.again != nil {
		f.again.Stop()
	}
}

// answered begins to read from a link, which was told that what there is was shown by a view.
func (f *feed) answered(l *link.Link, a *wire.ServerFrame, view string) {
	moved := f.link != nil && !f.link.Over()
	f.link = l
	defer f.tuneNext()
	if !f.want.State {
		f.goOn(f.cursors.Only(), a, moved)
		return
	}
	f.stateBegins(f.cursors.Only(), a, a.Resumed, view)
}

// refused asks again later, or ends the Subscription.
func (f *feed) refused(l *link.Link, why *realtime.Error) {
	if f.link == l {
		f.link = nil
	}
	if f.c.o.Once || why.Code != realtime.CodeConflict && (!verdict.Later(why) || standing[why.Limit]) {
		delete(f.c.feeds, f.key())
		f.end(why)
		return
	}
	wait := max(why.RetryAfter, time.Second)
	f.stopAsking()
	f.again = f.c.loop.After(wait+rand.N(wait/2), f.ask) //nolint:gosec // spreads questions, hides nothing
}

// standing are the limits that another try does not help against.
var standing = map[string]bool{"subscriptionsPerConnection": true, "patternsPerConnection": true, "channelsPerPattern": true}

// end ends the Subscription.
func (f *feed) end(why error) {
	f.stopAsking()
	for _, q := range f.tunes {
		q.done(nil, why)
	}
	f.tunes = nil
	f.queue.end(why)
}

func (f *feed) heartbeat(l *link.Link, asOf int64) {
	if f.link != l || asOf <= 0 || !f.pattern && f.cursors.Only().Partial {
		return
	}
	if !f.want.State || !f.pattern { // it says nothing about the states of a pattern
		f.asOf = asOf
		f.queue.mark(asOf)
	}
	f.cursors.Settle(asOf)
}

// pause has the server send nothing of the channel until the reader has caught up. What has been missed by then comes by a resume.
func (f *feed) pause(l *link.Link) {
	f.paused, f.link = true, nil
	f.leave(l)
	for _, q := range f.tunes {
		q.sent = nil
	}
}

// resume ends a pause.
func (f *feed) resume() {
	if f.paused && f.isRead() {
		f.paused = false
		f.ask()
	}
}

// restart forgets where the channel stands, or all channels of the pattern.
func (f *feed) restart() {
	f.cursors.Reset()
	f.askAnew()
}

// askAnew asks once more for what is being read.
func (f *feed) askAnew() {
	f.asOf = 0
	if l := f.link; l != nil && !l.Over() {
		f.link = nil
		f.leave(l)
	}
	f.ask()
}

// leave has the channel not sent any more by a link.
func (f *feed) leave(l *link.Link) {
	l.Request(&wire.ClientFrame{Type: wire.TypeUnsubscribe, Channel: f.name, Sub: f.sub}, func(*wire.ServerFrame, error) {})
}

// The connect frame asks for channels within these bounds; the others are asked for after the welcome.
const (
	firstChannels = 100
	firstBytes    = 32 << 10
)

// askFirst has the connect frame ask for channels. All have the same asOf.
func (c *Client) askFirst(l *link.Link, hello *wire.ClientFrame) {
	for _, f := range c.feeds {
		hello.AsOf = max(hello.AsOf, f.asOf)
	}
	size := 0
	for _, f := range c.feeds {
		frame := f.request(firstBytes / 2)
		n := len(frame.AppendJSON(nil))
		if f.paused || f.asOf != hello.AsOf || len(hello.Subscriptions) >= firstChannels || size+n > firstBytes {
			continue
		}
		size += n
		hello.Subscriptions = append(hello.Subscriptions, wire.Subscription{
			Channel: f.name, Sub: f.sub, Since: frame.Since, Positions: frame.Positions, View: frame.View, Views: frame.Views, Options: f.want,
		})
		l.First[f] = &link.Question{Done: f.asked(l, frame)}
	}
}
