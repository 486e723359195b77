package sse

import (
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// StoppedID is the id of the last event of a stream whose client is to stay away. An EventSource comes back with it,
// as it always does, and is stopped by the answer.
const StoppedID = "stopped"

// Encoder makes events. Its frames are not those of a WebSocket: each is an event behind a line for Stream.Append, which
// says where a stream stands that has had the event. Its zero value is ready.
type Encoder struct{ json wire.Encoder }

var _ outbox.Encoder = Encoder{}

// What the line before an event begins with. An empty line says that a stream stands where it stood.
const (
	markPosition = '+' // channel, space, Position
	markState    = '~' // channel, space, view, space, Position: empty where it stood, "!" if there is none to go on from
	markAsOf     = '=' // milliseconds since 1970
	markBegun    = '^' // pattern, space, milliseconds since 1970, from which on its channels are carried
	markEnds     = '!' // nothing follows this event

	noPosition = '!'
)

const endOfEvent = "\n\n"

// Name tells this protocol from those of sockets.
func (Encoder) Name() string { return "text/event-stream" }

// Message is an event without a name, which a page's onmessage gets. It holds the Publication's Data as wire's does.
func (Encoder) Message(p *realtime.Publication) (f outbox.Frame, data []byte) {
	at := p.Position()
	if p.Op == realtime.OpExpire {
		at = realtime.Position{}
	}
	size := wire.MessageSize(p) + len(p.Channel.Name()) + len(p.ID) + len("+ -\ndata: "+endOfEvent) + len("1767225600000")
	b := appendMark(make([]byte, 0, size), p.Channel, at)
	b = append(b, "data: "...)
	b = append(wire.AppendMessage(b, p), endOfEvent...)
	return outbox.Frame{Bytes: b}, wire.MessageData(b[:len(b)-len(endOfEvent)], p)
}

// Subscribed is an event "ok".
func (e Encoder) Subscribed(id string, c realtime.Channel, a outbox.Answer) outbox.Frame {
	mark := appendMark(nil, c, a.Position)
	switch {
	case a.State && a.Resumed:
		mark = stateMark(c, a.View, a.Position)
	case a.State: // there is nothing to go on from before the end of the snapshot
		mark = stateMark(c, a.View, realtime.UnusablePosition())
	}
	return event(mark, wire.TypeOK, e.json.Subscribed(id, c, a))
}

// Refused ends the stream.
func (e Encoder) Refused(id string, c realtime.Channel, err *realtime.Error) outbox.Frame {
	return closing(err, e.json.Refused(id, c, err))
}

// NotCarried is an event "refused", about a channel as the client wrote it that the stream does not carry. The stream goes on.
func (Encoder) NotCarried(channel string, err *realtime.Error) outbox.Frame {
	return event(nil, "refused", wire.Encoder{}.Error("", channel, err))
}

// Entry is that of package wire.
func (e Encoder) Entry(b []byte, p *realtime.Publication) []byte { return e.json.Entry(b, p) }

// Snapshot is an event "snapshot". The last one moves the id. Changes are an event "changes", which moves it if it has a Position.
func (e Encoder) Snapshot(c realtime.Channel, s *outbox.Snapshot) outbox.Frame {
	var mark []byte
	switch {
	case s.Changes:
		if !s.Position.IsZero() {
			mark = appendMark(nil, c, s.Position)
		}
		return event(mark, wire.TypeChanges, e.json.Snapshot(c, s))
	case !s.More:
		mark = stateMark(c, s.View, s.Position)
	case s.Reset:
		mark = stateMark(c, "", realtime.UnusablePosition())
	}
	return event(mark, wire.TypeSnapshot, e.json.Snapshot(c, s))
}

// Tuned is an event "notice".
func (e Encoder) Tuned(c realtime.Channel, maxRate float64, reason string) outbox.Frame {
	return event(nil, wire.TypeNotice, e.json.Tuned(c, maxRate, reason))
}

// PatternOK is an event "ok" that the channels of a pattern are carried. lost says that the client has had something of them and that
// nobody can tell how far: then it has a gap in all of them, and is to forget their states.
func (e Encoder) PatternOK(pattern string, at realtime.Position, state, lost bool) outbox.Frame {
	mark := append([]byte{markBegun}, pattern...)
	mark = strconv.AppendInt(append(mark, ' '), at.Time, 10)
	if mark = append(mark, '\n'); lost {
		return event(mark, wire.TypeOK, e.json.PatternLost(pattern, at, state))
	}
	return event(mark, wire.TypeOK, e.json.PatternOK("", pattern, at))
}

// PatternComplete is an event "notice".
func (e Encoder) PatternComplete(pattern string) outbox.Frame {
	return event(nil, wire.TypeNotice, e.json.PatternComplete(pattern))
}

// EndedPattern ends the stream.
func (e Encoder) EndedPattern(pattern, sub string, why *realtime.Error) outbox.Frame {
	return closing(why, e.json.EndedPattern(pattern, sub, why))
}

// Viewed is an event "notice".
func (e Encoder) Viewed(c realtime.Channel, view string) outbox.Frame {
	return event(stateMark(c, view, realtime.Position{}), wire.TypeNotice, e.json.Viewed(c, view))
}

// GapInPattern is an event "notice".
func (e Encoder) GapInPattern(pattern, sub string, at realtime.Position) outbox.Frame {
	return event(nil, wire.TypeNotice, e.json.GapInPattern(pattern, sub, at))
}

// WithSub returns the frame as it is: a stream of events reads each channel once.
func (Encoder) WithSub(f outbox.Frame, _ string) outbox.Frame { return f }

// Direct is an event "direct".
func (e Encoder) Direct(p *realtime.Publication) outbox.Frame {
	return event(nil, wire.TypeDirect, e.json.Direct(p))
}

// Gap is an event "notice", as Dropped is.
func (e Encoder) Gap(c realtime.Channel, at realtime.Position) outbox.Frame {
	return event(appendMark(nil, c, at), wire.TypeNotice, e.json.Gap(c, at))
}

// Dropped is an event "notice".
func (e Encoder) Dropped(c realtime.Channel, count int) outbox.Frame {
	return event(nil, wire.TypeNotice, e.json.Dropped(c, count))
}

// Presence is an event "presence".
func (e Encoder) Presence(c realtime.Channel, p *outbox.Presence) outbox.Frame {
	return event(nil, wire.TypePresence, e.json.Presence(c, p))
}

// Occupancy is an event "occupancy".
func (e Encoder) Occupancy(c realtime.Channel, connections, users int) outbox.Frame {
	return event(nil, wire.TypeOccupancy, e.json.Occupancy(c, connections, users))
}

// Ended ends the stream if a subscription was taken away; else it is an event "notice".
func (e Encoder) Ended(r realtime.Right, why *realtime.Error) outbox.Frame {
	if r.Action == realtime.ActionSubscribe {
		return closing(why, e.json.Ended(r, why))
	}
	return event(nil, wire.TypeNotice, e.json.Ended(r, why))
}

// Heartbeat is an event "heartbeat".
func (e Encoder) Heartbeat(asOf realtime.Position) outbox.Frame {
	var mark []byte
	if asOf.Time != 0 {
		mark = strconv.AppendInt([]byte{markAsOf}, asOf.Time, 10)
		mark = append(mark, '\n')
	}
	return event(mark, wire.TypeHeartbeat, e.json.Heartbeat(asOf))
}

// Closing is the last event of a stream.
func (e Encoder) Closing(err *realtime.Error) outbox.Frame {
	return closing(err, e.json.Closing(err))
}

// Move is an event "move".
func (e Encoder) Move(afterMs int64) outbox.Frame {
	return event(nil, wire.TypeMove, e.json.Move(afterMs))
}

// Welcome is the first event of a stream.
func (e Encoder) Welcome(s wire.Session) outbox.Frame {
	return event(nil, wire.TypeWelcome, e.json.Welcome("", s))
}

// event puts JSON behind a mark, nil for none, in an event of its type's name.
func event(mark []byte, t wire.Type, json outbox.Frame) outbox.Frame {
	if mark == nil {
		mark = append(mark, '\n')
	}
	return withData(append(append(append(mark, "event: "...), t...), '\n'), json)
}

// closing is the last event. "error" would be EventSource's own name.
func closing(err *realtime.Error, json outbox.Frame) outbox.Frame {
	b := append([]byte{markEnds}, "\nevent: closing\n"...)
	if ms := (err.RetryAfter + time.Millisecond - 1).Milliseconds(); ms > 0 {
		b = strconv.AppendInt(append(b, "retry: "...), ms, 10)
		b = append(b, '\n')
	}
	if err.Code.Meaning().Advice == realtime.AdviceStop {
		b = append(b, "id: "+StoppedID+"\n"...)
	}
	return withData(b, json)
}

// withData ends an event. Its JSON is of one line: package wire says so.
func withData(b []byte, json outbox.Frame) outbox.Frame {
	b = append(append(b, "data: "...), json.Payload()...)
	return outbox.Frame{Bytes: append(b, endOfEvent...)}
}

// stateMark is the line that says where a stream stands in a channel with state, and by which view it is shown that.
func stateMark(c realtime.Channel, view string, at realtime.Position) []byte {
	b := []byte{markState}
	b = append(b, c.Name()...)
	b = append(b, ' ')
	b = append(b, view...)
	b = append(b, ' ')
	if at.IsUsable() {
		b = at.Append(b)
	} else {
		b = append(b, noPosition)
	}
	return append(b, '\n')
}

// appendMark appends the line that says where a stream stands in a channel.
func appendMark(b []byte, c realtime.Channel, at realtime.Position) []byte {
	if at.IsZero() {
		return append(b, '\n')
	}
	b = append(b, markPosition)
	b = append(b, c.Name()...)
	b = append(b, ' ')
	b = at.Append(b)
	return append(b, '\n')
}
