package yjs

import (
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// AwarenessSuffix is what the namespace of a document's awareness has behind that of the document: that of docs:plan is docs-awareness:plan.
const AwarenessSuffix = "-awareness"

// awarenessOf is the name of the channel with the awareness of a document.
func awarenessOf(document string) string {
	namespace, rest, _ := strings.Cut(document, ":")
	return namespace + AwarenessSuffix + ":" + rest
}

func isAwareness(c realtime.Channel) bool { return strings.HasSuffix(c.Namespace(), AwarenessSuffix) }

// What a Door makes something else of has one of these as the first byte of its message. All other frames are for clients as they are.
const (
	eventNothing   = 0xe0 + iota
	eventEntries   // of the document: flags, entries
	eventAwareness // entries
	eventError     // flags, code, limit, message
)

// Flags of eventEntries.
const (
	flagMore    = 1 << iota // another part of the state follows
	flagChanges             // it is no part of the state, but what has changed
)

// Flags of eventError.
const (
	flagEnds    = 1 << iota // the document is not shown any more
	flagTidying             // it is about a publish of the Door's own
)

// Operations of entries.
const (
	entrySet = iota
	entryGone
)

// Encoder makes the frames of this protocol. Its zero value is ready.
type Encoder struct{ answers }

var _ outbox.Encoder = Encoder{}

// Protocol is the name of the protocol, which clients offer beside their token in the handshake.
const Protocol = "tidewire.yjs"

// Name is Protocol.
func (Encoder) Name() string { return Protocol }

func event(kind byte, parts ...byte) outbox.Frame {
	return outbox.Frame{Bytes: appendFrame(nil, append([]byte{kind}, parts...))}
}

func silence() outbox.Frame { return event(eventNothing) }

// ofError tells a Door of an error, which it turns into what y-websocket knows.
func ofError(flags byte, err *realtime.Error) outbox.Frame {
	b := appendBytes([]byte{flags}, string(err.Code))
	b = appendBytes(b, err.Limit)
	return event(eventError, appendBytes(b, err.Message)...)
}

// broken makes the client come back, and ask for what it lacks.
func broken() outbox.Frame {
	return ofError(flagEnds, &realtime.Error{Code: realtime.CodeUnavailable, Message: "something of the document may be missing; come back"})
}

// Message is an update for all readers, as it is, or one entry.
func (e Encoder) Message(p *realtime.Publication) (f outbox.Frame, data []byte) {
	if isAwareness(p.Channel) {
		return event(eventAwareness, e.Entry(nil, p)...), nil
	}
	if update := ofData(p.Data); p.Op == realtime.OpSet && update != nil && !strings.HasPrefix(p.Key, mergedPrefix) {
		return outbox.Frame{Bytes: appendSync(nil, syncUpdate, update)}, nil
	}
	return event(eventEntries, append([]byte{flagChanges}, e.Entry(nil, p)...)...), nil
}

// Entry appends the operation, the key, the Position and the data of an entry.
func (Encoder) Entry(b []byte, p *realtime.Publication) []byte {
	data := []byte{}
	op := byte(entryGone)
	if p.Op == realtime.OpSet {
		op, data = entrySet, p.Data
		if !isAwareness(p.Channel) {
			data = ofData(p.Data)
		}
	}
	b = appendBytes(append(b, op), p.Key)
	b = appendBytes(b, p.Position().String())
	return appendBytes(b, data)
}

// Snapshot is a part of the state, or some of its changes.
func (Encoder) Snapshot(c realtime.Channel, s *outbox.Snapshot) outbox.Frame {
	if isAwareness(c) {
		return event(eventAwareness, s.Entries...)
	}
	flags := byte(0)
	if s.More {
		flags |= flagMore
	}
	if s.Changes {
		flags |= flagChanges
	}
	return event(eventEntries, append([]byte{flags}, s.Entries...)...)
}

// Subscribed says nothing: the state follows.
func (Encoder) Subscribed(string, realtime.Channel, outbox.Answer) outbox.Frame { return silence() }

// Refused ends the connection, if it is about the document.
func (Encoder) Refused(_ string, c realtime.Channel, err *realtime.Error) outbox.Frame {
	if isAwareness(c) {
		return ofError(0, err)
	}
	return ofError(flagEnds, err)
}

// Ended is Refused.
func (e Encoder) Ended(r realtime.Right, why *realtime.Error) outbox.Frame {
	if r.Action != realtime.ActionSubscribe || isAwareness(r.Channel) {
		return silence() // a publish that comes is refused
	}
	return ofError(flagEnds, why)
}

// Tuned says nothing.
func (Encoder) Tuned(realtime.Channel, float64, string) outbox.Frame { return silence() }

// Viewed says nothing: who comes back is given all of the state.
func (Encoder) Viewed(realtime.Channel, string) outbox.Frame { return silence() }

// WithSub returns the frame as it is: a door reads a channel once.
func (Encoder) WithSub(f outbox.Frame, _ string) outbox.Frame { return f }

// Direct says nothing: these clients know no events.
func (Encoder) Direct(*realtime.Publication) outbox.Frame { return silence() }

// Gap makes the client come back.
func (Encoder) Gap(realtime.Channel, realtime.Position) outbox.Frame { return broken() }

// Dropped makes the client come back.
func (Encoder) Dropped(realtime.Channel, int) outbox.Frame { return broken() }

// GapInPattern is never called: a door reads no pattern.
func (Encoder) GapInPattern(string, string, realtime.Position) outbox.Frame { return silence() }

// EndedPattern is never called.
func (Encoder) EndedPattern(string, string, *realtime.Error) outbox.Frame { return silence() }

// Presence says nothing: awareness has who is there.
func (Encoder) Presence(realtime.Channel, *outbox.Presence) outbox.Frame { return silence() }

// Occupancy says nothing.
func (Encoder) Occupancy(realtime.Channel, int, int) outbox.Frame { return silence() }

// Heartbeat is a message that says nothing: a client that hears none for 30 s takes its server for dead.
func (Encoder) Heartbeat(realtime.Position) outbox.Frame { return outbox.Frame{Bytes: alive()} }

// Closing says nothing: the close frame does.
func (Encoder) Closing(*realtime.Error) outbox.Frame { return silence() }

// Move says nothing: clients come back when the connection ends.
func (Encoder) Move(int64) outbox.Frame { return silence() }
