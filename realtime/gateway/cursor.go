package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"

	"github.com/tidewire/tidewire/realtime"
)

// maxEventChannels is how many channels one stream of events carries: the
// position of each is part of every event's id, which comes back in one header line.
const maxEventChannels = 32

// cursorVersion is the first byte of an event's id.
const cursorVersion = 1

// cursor is where a stream of events stands: a Position per channel and the
// newest asOf. Its text is the id of an event and comes back as Last-Event-ID, perhaps of a
// stream with other channels. It is opaque to clients: base64url of
//
//	version  1 byte
//	asOf     uvarint, ms
//	of each channel that has a Position: FNV-1a of its name (8 bytes),
//	  its time (uvarint, ms), the length of its ID (1 byte), the ID
type cursor struct {
	marks []mark
	asOf  int64
	text  []byte // room for String
}

type mark struct {
	name string
	sum  uint64
	at   realtime.Position
}

func newCursor(channels []realtime.Channel) *cursor {
	c := &cursor{marks: make([]mark, len(channels))}
	for i, ch := range channels {
		c.marks[i] = mark{name: ch.Name(), sum: nameSum(ch.Name())}
	}
	return c
}

func nameSum(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails: hash.Hash
	return h.Sum64()
}

// parse takes over what an event's id says of the cursor's channels. An error has
// code CodeBadRequest.
func (c *cursor) parse(id string) *realtime.Error {
	refused := realtime.Errorf(realtime.CodeBadRequest, "Last-Event-ID: is not the id of an event of this service; open the stream without it")
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) < 2 || b[0] != cursorVersion {
		return refused
	}
	b = b[1:]
	asOf, n := binary.Uvarint(b)
	if n <= 0 || asOf >= 1<<48 {
		return refused
	}
	for b = b[n:]; len(b) > 0; {
		if len(b) < 8 {
			return refused
		}
		sum := binary.BigEndian.Uint64(b)
		b = b[8:]
		ms, n := binary.Uvarint(b)
		if n <= 0 || len(b) < n+1 || len(b) < n+1+int(b[n]) {
			return refused
		}
		name := b[n+1 : n+1+int(b[n])]
		// Through its text, so that it holds nothing that a position cannot.
		at, err := realtime.ParsePosition(realtime.Position{Time: int64(ms), ID: string(name)}.String())
		if err != nil {
			return refused
		}
		b = b[n+1+len(name):]
		for i := range c.marks {
			if c.marks[i].sum == sum {
				c.marks[i].at = at
			}
		}
	}
	c.asOf = int64(asOf)
	return nil
}

// String returns the id of an event at which the stream stands here.
func (c *cursor) String() string {
	b := c.text[:0]
	b = append(b, cursorVersion)
	b = binary.AppendUvarint(b, uint64(c.asOf))
	for i := range c.marks {
		m := &c.marks[i]
		if m.at.IsZero() {
			continue
		}
		b = binary.BigEndian.AppendUint64(b, m.sum)
		b = binary.AppendUvarint(b, uint64(m.at.Time))
		b = append(b, byte(len(m.at.ID))) // at most realtime.MaxIDBytes
		b = append(b, m.at.ID...)
	}
	c.text = b
	return base64.RawURLEncoding.EncodeToString(b)
}

// see moves the cursor by a frame that is about to be written, and reports
// whether it moved.
func (c *cursor) see(frame []byte) bool {
	name, at, ok := messagePosition(frame)
	if ok {
		return c.move(name, at)
	}
	var f struct {
		Type, Channel, Position string
		AsOf                    int64
	}
	if json.Unmarshal(frame, &f) != nil {
		return false
	}
	if f.AsOf > c.asOf {
		c.asOf = f.AsOf
		return true
	}
	return c.move(f.Channel, f.Position)
}

func (c *cursor) move(name, position string) bool {
	at, err := realtime.ParsePosition(position)
	if err != nil || at.IsZero() {
		return false
	}
	for i := range c.marks {
		if m := &c.marks[i]; m.name == name {
			if m.at.IsZero() {
				// asOf vouches for every channel, so it must not be ahead of one that only begins.
				c.asOf = min(c.asOf, at.Time)
			}
			m.at = at
			return true
		}
	}
	return false
}

// messagePosition reads the two members that a message frame begins with. It
// spares the reading of its data, which nearly every frame of a stream would cost.
func messagePosition(frame []byte) (name, position string, ok bool) {
	rest, isMessage := bytes.CutPrefix(frame, []byte(`{"type":"message","channel":"`))
	if !isMessage {
		return "", "", false
	}
	channel, rest, _ := bytes.Cut(rest, []byte{'"'}) // a name needs no escapes
	rest, found := bytes.CutPrefix(rest, []byte(`,"position":"`))
	end := bytes.IndexByte(rest, '"')
	if !found || end < 0 || bytes.IndexByte(rest[:end], '\\') >= 0 {
		return "", "", false // an ID with escapes: read as JSON
	}
	return string(channel), string(rest[:end]), true
}
