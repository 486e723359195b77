package record

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/view"
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

// encoding is something as one protocol puts it, with some of the members of its data. The frame is zero if the Encoder
// panicked.
type encoding struct {
	by      *protocol.Protocol
	columns *view.Columns // nil: all
	frame   outbox.Frame
}

type moreEncoding struct {
	encoding
	next *moreEncoding
}

// newEntry returns an entry that shares the memory of a message's Data.
func newEntry(m *realtime.Message) Entry { return entryOf(&m.Publication) }

func entryOf(p *realtime.Publication) Entry {
	e := Entry{At: p.Position(), Key: p.Key, packed: pack(p), data: p.Data}
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
		if len(data) > 0 && made.columns == nil {
			e.held -= cap(e.data)
			e.data = data
		}
		return e.held - before
	}
	e.more = &moreEncoding{made, e.more}
	e.held += encodingOverhead
	return e.held - before
}
