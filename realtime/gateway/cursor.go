package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// maxEventChannels is how many channels one stream of events carries: the
// position of each is part of every event's id, which comes back in one header line.
const maxEventChannels = 32

const (
	// cursorVersion is the first byte of an event's id.
	cursorVersion = 1
	// stoppedID is the id of the last event of a stream whose client is to stay away. An EventSource comes back with it,
	// as it always does, and is stopped by the answer.
	stoppedID = "stopped"
	// maxCursorBytes bounds an event's id before base64: 4 KiB of text, half of what proxies take as one header line.
	maxCursorBytes = 3 << 10
	// unusableTime is the time that an id has for an unusable Position.
	unusableTime = 0
)

// cursor is where a stream of events stands: a Position per channel and the
// newest asOf. Its text is the id of an event and comes back as Last-Event-ID, perhaps of a
// stream with other channels. It is opaque to clients: base64url of
//
//	version  1 byte
//	asOf     uvarint, ms
//	of each channel that has a Position: FNV-1a of its name (8 bytes),
//	  its time (uvarint, ms; 0: the Position is unusable), the length of its ID (1 byte), the ID
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

// resume takes over what an event's id says of the cursor's channels. An id that is damaged, of another service or
// too long says nothing that could be trusted: then no channel has a Position that can be used, and each begins with a
// gap. It is no error, because an EventSource that is refused never comes back, and would give the same id again.
func (c *cursor) resume(id string, now time.Time) {
	if c.parse(id, now) {
		return
	}
	c.asOf = 0
	for i := range c.marks {
		c.marks[i].at = realtime.UnusablePosition()
	}
}

// parse reports whether the id is one that String has written.
func (c *cursor) parse(id string, now time.Time) bool {
	if len(id) > base64.RawURLEncoding.EncodedLen(maxCursorBytes) {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) < 2 || b[0] != cursorVersion {
		return false
	}
	b = b[1:]
	asOf, n := binary.Uvarint(b)
	if n <= 0 {
		return false
	}
	for b = b[n:]; len(b) > 0; {
		var sum uint64
		var at realtime.Position
		var ok bool
		if sum, at, b, ok = parseMark(b); !ok {
			return false
		}
		for i := range c.marks {
			if c.marks[i].sum == sum {
				c.marks[i].at = at
			}
		}
	}
	// A moment to come would stand until it has come: no heartbeat is later.
	if asOf <= uint64(now.UnixMilli()) {
		c.asOf = int64(asOf)
	}
	return true
}

// parseMark reads one channel's part of an id, at its beginning.
func parseMark(b []byte) (sum uint64, at realtime.Position, rest []byte, ok bool) {
	if len(b) < 8 {
		return 0, at, nil, false
	}
	sum, b = binary.BigEndian.Uint64(b), b[8:]
	ms, n := binary.Uvarint(b)
	if n <= 0 || len(b) < n+1 || len(b) < n+1+int(b[n]) {
		return 0, at, nil, false
	}
	id := b[n+1 : n+1+int(b[n])]
	if ms == unusableTime {
		return sum, realtime.UnusablePosition(), b[n+1+len(id):], true
	}
	// Through its text, so that it holds nothing that a position cannot.
	at, err := realtime.ParsePosition(strconv.FormatUint(ms, 10) + "-" + string(id))
	return sum, at, b[n+1+len(id):], err == nil
}

// String returns the id of an event at which the stream stands here. If the IDs of its Positions make it longer
// than maxCursorBytes, the longest are left out: a channel then resumes at the moment before its Position, and what was
// published in that millisecond comes again.
func (c *cursor) String() string {
	longest := realtime.MaxIDBytes
	for c.write(longest); len(c.text) > maxCursorBytes; c.write(longest) {
		longest /= 2
	}
	return base64.RawURLEncoding.EncodeToString(c.text)
}

// write writes the id into text, without IDs that are longer than that.
func (c *cursor) write(longest int) {
	b := c.text[:0]
	b = append(b, cursorVersion)
	b = binary.AppendUvarint(b, uint64(c.asOf))
	for i := range c.marks {
		m := &c.marks[i]
		at := m.at
		switch {
		case at.IsZero():
			continue
		case !at.IsUsable():
			at = realtime.Position{Time: unusableTime} // or the channel would begin anew, without a gap
		case len(at.ID) > longest:
			at = realtime.Position{Time: at.Time - 1}
		}
		b = binary.BigEndian.AppendUint64(b, m.sum)
		b = binary.AppendUvarint(b, uint64(at.Time))
		b = append(b, byte(len(at.ID))) // at most realtime.MaxIDBytes
		b = append(b, at.ID...)
	}
	c.text = b
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
