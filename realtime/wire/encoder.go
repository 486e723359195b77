package wire

import (
	"bytes"
	"strconv"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Encoder makes the frames that servers send: those of the Hub, and the answers of a gateway. Its zero value is ready.
type Encoder struct{ Answers }

// Answers makes the answers of a gateway to the frames of clients.
type Answers struct{}

var _ outbox.Encoder = Encoder{}

// Name is that of the protocol in a WebSocket handshake.
func (Encoder) Name() string { return Subprotocol }

// Subscribed answers a subscribe frame, and without id an entry of a connect frame. id is an ID.
func (Encoder) Subscribed(id string, c realtime.Channel, a outbox.Answer) outbox.Frame {
	o := answer(256, TypeOK, ID(id))
	o.text("channel", c.Name())
	o.bool("resumed", a.Resumed)
	o.bool("gap", a.Gap)
	o.position("position", a.Position)
	if a.Reset {
		o.bool("reset", true)
	}
	if a.State {
		o.name("state")
		o.b = append(o.b, `{"keys":`...)
		o.b = strconv.AppendInt(o.b, int64(a.Keys), 10)
		o.b = append(o.b, '}')
	}
	if a.View != "" {
		o.text("view", a.View)
	}
	if a.MaxRate > 0 {
		o.float("maxRate", a.MaxRate)
	}
	if a.Rewinds {
		o.int("rewound", int64(a.Rewound))
		o.bool("complete", a.Complete)
	}
	return o.frame()
}

// Refused is Error.
func (e Encoder) Refused(id string, c realtime.Channel, err *realtime.Error) outbox.Frame {
	return e.Error(ID(id), c.Name(), err)
}

// Snapshot returns a part of a channel's state: its entries, and whether more follow. The last one has the Position at which the
// client stands then. Changes are a frame of another type.
func (Encoder) Snapshot(c realtime.Channel, s *outbox.Snapshot) outbox.Frame {
	kind := TypeSnapshot
	if s.Changes {
		kind = TypeChanges
	}
	o := newObject(len(s.Entries)+256, kind)
	o.text("channel", c.Name())
	if s.Reset {
		o.bool("reset", true)
	}
	o.name("entries")
	o.b = append(o.b, '[')
	o.b = append(o.b, s.Entries...)
	o.b = append(o.b, ']')
	if s.Changes {
		if !s.Position.IsZero() {
			o.position("position", s.Position)
		}
		return o.frame()
	}
	o.bool("more", s.More)
	if !s.More {
		o.position("position", s.Position)
		if s.View != "" {
			o.text("view", s.View)
		}
	}
	return o.frame()
}

// Viewed returns a notice of the view by which the client is shown a channel with state from now on; empty: it is shown everything.
func (Encoder) Viewed(c realtime.Channel, view string) outbox.Frame {
	o := newObject(256, TypeNotice)
	o.text("code", NoticeView)
	o.text("channel", c.Name())
	o.text("view", view)
	return o.frame()
}

// Tuned returns a notice of how many flushes a second a subscription is given from now on.
func (Encoder) Tuned(c realtime.Channel, maxRate float64, reason string) outbox.Frame {
	o := newObject(256, TypeNotice)
	o.text("code", NoticeTuned)
	o.text("channel", c.Name())
	o.float("maxRate", maxRate)
	o.text("reason", reason)
	return o.frame()
}

// WithSub returns the frame with the member "sub" behind its type.
func (Encoder) WithSub(f outbox.Frame, sub string) outbox.Frame {
	payload := f.Payload()
	end := bytes.IndexByte(payload, ',') // behind the type; every frame of a subscription has more
	o := object{append(make([]byte, outbox.MaxFrameHeader, outbox.MaxFrameHeader+len(payload)+len(sub)+len(`,"sub":""`)), payload[:end]...)}
	o.text("sub", sub)
	return framed(append(o.b, payload[end:]...))
}

// Gap returns a notice that something of the channel was missed right here.
func (Encoder) Gap(c realtime.Channel, at realtime.Position) outbox.Frame { return gap(c.Name(), at) }

func gap(name string, at realtime.Position) outbox.Frame {
	o := newObject(256, TypeNotice)
	o.text("code", NoticeGap)
	o.text("channel", name)
	o.position("position", at)
	return o.frame()
}

// GapInPattern returns a notice that something may be missing in channels that a pattern selects.
func (e Encoder) GapInPattern(pattern, sub string, at realtime.Position) outbox.Frame {
	if sub == "" {
		return gap(pattern, at)
	}
	return e.WithSub(gap(pattern, at), sub)
}

// Dropped returns a notice that the connection's full queue let some of the channel go.
func (Encoder) Dropped(c realtime.Channel, count int) outbox.Frame {
	o := newObject(256, TypeNotice)
	o.text("code", NoticeDropped)
	o.text("channel", c.Name())
	o.int("count", int64(count))
	return o.frame()
}

// Ended returns what tells that a subscription or a presence watch has been taken away: the error of its
// channel, and a notice.
func (e Encoder) Ended(r realtime.Right, why *realtime.Error) outbox.Frame {
	if r.Action == realtime.ActionSubscribe {
		return e.Error("", r.Channel.Name(), why)
	}
	o := newObject(256, TypeNotice)
	if r.Action == realtime.ActionEnter {
		o.text("code", NoticeEnterEnded)
	} else {
		o.text("code", NoticePresenceEnded)
	}
	o.text("channel", r.Channel.Name())
	return o.frame()
}

// EndedPattern returns the error of a subscription to a pattern that has ended.
func (e Encoder) EndedPattern(pattern, sub string, why *realtime.Error) outbox.Frame {
	f := e.Error("", pattern, why)
	if sub == "" {
		return f
	}
	return e.WithSub(f, sub)
}

// Heartbeat returns a sign of life, with the time of asOf unless that is zero.
func (Encoder) Heartbeat(asOf realtime.Position) outbox.Frame {
	o := newObject(64, TypeHeartbeat)
	if asOf.Time != 0 {
		o.int("asOf", asOf.Time)
	}
	return o.frame()
}

// Closing returns the error frame that is sent right before a close frame.
func (e Encoder) Closing(err *realtime.Error) outbox.Frame { return e.Error("", "", err) }

// Move asks the client to open another connection after a delay and then leave this one.
func (Encoder) Move(afterMs int64) outbox.Frame {
	o := newObject(64, TypeMove)
	o.int("afterMs", afterMs)
	return o.frame()
}
