package tidewire

import (
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// goOn reads a channel from another link. moved: the one before has brought more since the question.
func (f *feed) goOn(u *cursor.Cursor, a *wire.ServerFrame, moved bool) {
	at, err := realtime.ParsePosition(a.Position)
	switch {
	case a.Gap:
		u.Break(at)
		f.put(u.Channel, Update{Kind: KindGap, Position: a.Position, Answer: true, Rewound: a.Rewound, Complete: a.Complete})
		return
	case moved && a.Resumed: // it goes on where the question stood: what has come since by the link before is repeated
		u.Repeats(time.Now())
		return
	case err == nil && u.Position.IsZero():
		u.Position = at
	case err == nil && !f.pattern && !a.Resumed && at != u.Position: // the question stood nowhere: another link was answered first
		if at.Time < u.Position.Time {
			u.Repeats(time.Now())
			return
		}
		u.Break(at)
		f.put(u.Channel, Update{Kind: KindGap, Position: a.Position, Answer: true, Rewound: a.Rewound, Complete: a.Complete})
		return
	}
	u.Follows()
	f.put(u.Channel, Update{Kind: KindLive, Position: a.Position, Resumed: a.Resumed, MaxRate: a.MaxRate, Rewound: a.Rewound, Complete: a.Complete})
}

// message takes an event of a channel.
func (f *feed) message(l *link.Link, m *wire.ServerFrame, raw []byte) {
	if f.link != l {
		return
	}
	at, err := realtime.ParsePosition(m.Position)
	u := f.cursors.Of(m.Channel)
	switch {
	case u == nil: // the pattern does not select it
		return
	case f.want.State && (m.Key != "" || m.Cleared):
		f.change(l, u, m, raw)
		return
	case err != nil: // it cannot be told what this is
		f.put(u.Channel, Update{Kind: KindGap, Position: u.Position.String()})
		return
	}
	switch u.Judge(at, time.Now()) {
	case cursor.Unclear:
		f.put(u.Channel, Update{Kind: KindGap, Position: m.Position})
		return
	case cursor.Repeated:
		return
	case cursor.Next:
	}
	message := Update{Kind: KindMessage, Channel: u.Channel, Position: m.Position, Message: message(m, raw)}
	if !f.queue.room(&message) {
		f.pause(l)
		return
	}
	if u.Seen(at.ID) {
		if at.Time > u.Position.Time {
			u.Position = at
		}
		return
	}
	if !u.Partial {
		u.Position = at
	}
	f.queue.put(message)
}

// notice takes what the server says about a channel that is read, or about a pattern as a whole.
func (f *feed) notice(l *link.Link, n *wire.ServerFrame) {
	u := f.cursors.Of(n.Channel)
	if f.link != l || u == nil && n.Channel != f.name {
		return
	}
	var position string
	if u != nil {
		position = u.Position.String()
	}
	switch n.Code {
	case wire.NoticeGap:
		if at, err := realtime.ParsePosition(n.Position); err == nil && u != nil {
			u.Position = at
		}
		if u != nil {
			u.Follows()
		}
		f.put(n.Channel, Update{Kind: KindGap, Position: n.Position})
	case wire.NoticeDropped:
		f.put(n.Channel, Update{Kind: KindDropped, Position: position, Count: n.Count, ByServer: true})
	case wire.NoticeView:
		if u != nil {
			u.View = n.View
		}
	case wire.NoticeComplete:
		f.cursors.Complete()
		f.put(n.Channel, Update{Kind: KindComplete})
	case wire.NoticeTuned:
		f.put(n.Channel, Update{Kind: KindTuned, Position: position, MaxRate: n.MaxRate, Reason: n.Reason})
	}
}

// begin begins to read a pattern from a link, by the answer to a question: of each channel that it has a position of, there will be an answer. The
// others are sent from its AsOf on, or from now on if that is 0; or with state, anew.
func (f *feed) begin(l *link.Link, a *wire.ServerFrame, question *wire.ClientFrame) {
	moved := f.link != nil && !f.link.Over()
	defer f.tuneNext()
	if f.want.State {
		f.link = l
		f.cursors.Begin(question.Positions, question.Views, moved, time.Now())
		f.put(f.name, Update{Kind: KindLive, Resumed: len(question.Positions) > 0, MaxRate: a.MaxRate})
		return
	}
	at, known := f.asOf, f.asOf != 0
	if from, err := realtime.ParsePosition(a.Position); err == nil {
		at = from.Time
	}
	apart := known && question.AsOf == 0 && at > f.begun // the question stood nowhere: another link was answered first
	f.link = l
	if !known || apart { // before that, nothing is wanted
		f.asOf, f.begun = max(f.asOf, at), at
		f.queue.mark(f.asOf)
	}
	f.cursors.Begin(question.Positions, nil, moved, time.Now())
	if !moved {
		f.put(f.name, Update{Kind: KindLive, Resumed: known && !apart, MaxRate: a.MaxRate})
	}
	if apart {
		f.put(f.name, Update{Kind: KindGap, Answer: true})
	}
}

// channelAnswered takes the answer about a channel of a pattern that the server was told by name.
func (f *feed) channelAnswered(l *link.Link, a *wire.ServerFrame) {
	if f.link != l {
		return
	}
	if f.want.State {
		f.stateAnswered(a)
		return
	}
	if u, moved := f.cursors.Answered(a.Channel); u != nil {
		f.goOn(u, a, moved)
	}
}
