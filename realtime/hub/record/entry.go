package record

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Entry is one Publication of a record, and what protocols have made of it: nothing until a reader needs it, then one
// encoding for each protocol that readers speak. A channel that nobody reads encodes nothing.
type Entry struct {
	At     realtime.Position
	Key    string
	packed string // what else the Publication has, as pack writes it
	// data is the payload. Once an encoding holds it, it is a part of that, so that it is kept once.
	data  []byte
	turn  uint64 // when it was remembered, among all entries of the tenant
	held  int    // bytes of packed, data and encodings
	first encoding
	more  *moreEncoding // of protocols that needed it later
}

// encoding is something as one protocol puts it. The frame is zero if the Encoder panicked.
type encoding struct {
	by    *protocol.Protocol
	frame outbox.Frame
}

type moreEncoding struct {
	encoding
	next *moreEncoding
}

// newEntry returns an entry that shares the memory of a message's Data.
func newEntry(m *realtime.Message) Entry {
	e := Entry{At: m.Position(), Key: m.Key, packed: pack(&m.Publication), data: m.Data}
	e.held = len(e.packed) + cap(e.data)
	return e
}

// cost is what the entry takes, in bytes. It changes with keep alone.
func (e *Entry) cost() int { return e.held + len(e.At.ID) + len(e.Key) + entryOverhead }

// keep keeps an encoding, of which data is the part that holds the entry's data, nil if none does. It returns by how
// much the cost has changed.
func (e *Entry) keep(made encoding, data []byte) (grown int) {
	before := e.held
	e.held += len(made.frame.Bytes)
	if e.first.by == nil {
		e.first = made
		if len(data) > 0 {
			e.held -= cap(e.data)
			e.data = data
		}
		return e.held - before
	}
	e.more = &moreEncoding{made, e.more}
	e.held += encodingOverhead
	return e.held - before
}

// Frame returns an entry as a protocol puts it. Whatever carries a Publication of a channel to a client, live or from
// the record, has it from here, and each protocol encodes it once. It is zero if the reader's Encoder
// panics: the connection cannot go on. kept says that the entry is in the record, and not a copy.
func (r *Record) Frame(e *Entry, p *protocol.Protocol, kept bool) outbox.Frame {
	if e.first.by != p {
		return r.quota.set.encoded(r, e, p, kept)
	}
	return e.first.frame // nearly always
}

// encoded returns an entry as a protocol puts it. Of one that an Encoder cannot put, readers are told in its place
// that it is missing.
func (s *Set) encoded(r *Record, e *Entry, p *protocol.Protocol, kept bool) outbox.Frame {
	for have := e.more; have != nil; have = have.next {
		if have.by == p {
			return have.frame
		}
	}
	frame, data := p.Message(s.shown.of(r.name, e))
	s.shown.done()
	if frame.IsZero() {
		s.o.Owner.Unencodable(r.name)
		frame = p.Gap(r.name, e.At)
	}
	grown := e.keep(encoding{p, frame}, data)
	if kept {
		r.quota.grew(grown, e.At.Time)
	}
	return frame
}
