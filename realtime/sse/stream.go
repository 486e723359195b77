package sse

import (
	"bytes"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// MaxChannels is how many channels one stream carries: the position of each is part of every
// event's id, which comes back in one header line.
const MaxChannels = 32

const (
	// idVersion is the first byte of an event's id, if the stream has no patterns. Those of version 1 have no views.
	idVersion = 2
	// idPatterns is that of a stream that has patterns.
	idPatterns = 3
	// maxID bounds the bytes of an event's id before base64: 4 KiB of text, half of what proxies take as one header line.
	maxID = 3 << 10
	// unusableTime is the time that an id has for an unusable Position.
	unusableTime = 0
)

// Stream is where a stream of events stands: a Position per channel and the
// newest asOf. It is not safe for concurrent use. Its text is the id of an event and comes back as Last-Event-ID, perhaps of a
// stream with other channels. It is opaque to clients: base64url of
//
//	version  1 byte
//	asOf     uvarint, ms
//	of each pattern, behind their number (1 byte): FNV-1a of it (8 bytes), its flags (1 byte), since when it is carried (uvarint, ms)
//	of each channel that has a Position: FNV-1a of its name (8 bytes),
//	  its time (uvarint, ms; 0: the Position is unusable), the length of its ID (1 byte), the ID,
//	  the length of the view by which its state was shown (1 byte), the view
//
// Without patterns, it has not the third of these. With them, a channel begins with 0 and FNV-1a of its name, or, if it has come by a pattern, with
// the length of its name and the name.
type Stream struct {
	marks   []mark
	roaming roaming
	asOf    int64
	text    []byte // room for String
	owed    bool   // it has moved since the newest id that was written
	id      int    // bytes of that id
	since   int    // bytes of the events behind it
}

type mark struct {
	name string
	sum  uint64 // 0 of a channel that has come by a pattern
	at   realtime.Position
	// view is by which what the client has of the state was shown. While it is loading that, there is no Position to go on from.
	view    string
	loading bool
}

// NewStream returns a stream of some channels, at most MaxChannels, that has had nothing.
func NewStream(channels []realtime.Channel) *Stream {
	s := &Stream{marks: make([]mark, len(channels))}
	for i, ch := range channels {
		s.marks[i] = mark{name: ch.Name(), sum: nameSum(ch.Name())}
	}
	return s
}

func nameSum(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails: hash.Hash
	return h.Sum64()
}

// Resume takes over what an event's id says of the stream's channels. An id that is damaged, of another service or
// too long says nothing that could be trusted: then no channel has a Position that can be used, and each begins with a
// gap. It is no error, because an EventSource that is refused never comes back, and would give the same id again.
func (s *Stream) Resume(id string, now time.Time) {
	if s.parse(id, now) {
		return
	}
	s.asOf = 0
	for i := range s.marks {
		s.marks[i].at = realtime.UnusablePosition()
	}
	s.roaming.lose()
}

// Since returns where the stream stands in the channel of an index.
func (s *Stream) Since(i int) realtime.Position { return s.marks[i].at }

// View returns by which view the client was shown what it has of the state of the channel of an index.
func (s *Stream) View(i int) string { return s.marks[i].view }

// AsOf is the newest asOf that the stream was told, in milliseconds; 0 if none.
func (s *Stream) AsOf() int64 { return s.asOf }

// Append appends an event that an Encoder made to out, behind the id at which the stream then stands if that
// has changed. It reports whether the stream ends with it.
//
// An id that has many channels of a pattern may be much longer than an event: where the client may be given a few events again, it waits until
// as much has been sent as it is long.
func (s *Stream) Append(out *bytes.Buffer, frame []byte) (ends bool) {
	mark, event, _ := bytes.Cut(frame, []byte{'\n'})
	moved, waits := s.see(mark)
	s.owed = s.owed || moved
	if s.owed && (moved && !waits || s.since >= s.id) {
		id := s.String()
		out.WriteString("id: ")
		out.WriteString(id)
		out.WriteByte('\n')
		s.owed, s.id, s.since = false, len(id), 0
	}
	s.since += len(event)
	out.Write(event)
	return len(mark) > 0 && mark[0] == markEnds
}

// see moves the stream as the line before an event says, and reports whether it moved, and whether it can wait to say so.
func (s *Stream) see(mark []byte) (moved, waits bool) {
	if len(mark) == 0 {
		return false, false
	}
	switch mark[0] {
	case markAsOf:
		asOf, err := strconv.ParseInt(string(mark[1:]), 10, 64)
		if err != nil || asOf <= s.asOf {
			return false, false
		}
		s.asOf = asOf
		s.roaming.vouch(asOf)
		return true, false
	case markBegun:
		pattern, text, _ := bytes.Cut(mark[1:], []byte{' '})
		at, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil || !s.roaming.begin(string(pattern), at) {
			return false, false
		}
		s.asOf = min(s.asOf, at)
		return true, false
	case markPosition:
		name, position, _ := bytes.Cut(mark[1:], []byte{' '}) // a name holds no space
		m := s.mark(name)
		return m != nil && !m.loading && s.move(m, string(position)), m != nil && m.sum == 0
	case markState:
		name, rest, _ := bytes.Cut(mark[1:], []byte{' '})
		view, position, _ := bytes.Cut(rest, []byte{' '}) // nor does a view
		m := s.mark(name)
		if m == nil {
			return false, false
		}
		m.view = string(view)
		switch string(position) {
		case "":
		case string(noPosition):
			m.at, m.loading = realtime.UnusablePosition(), true
		default:
			m.loading = false
			s.move(m, string(position))
			waits = m.sum == 0
		}
		return true, waits
	}
	return false, false
}

// mark returns where the stream stands in a channel; nil if it is none of the stream's.
func (s *Stream) mark(name []byte) *mark {
	for i := range s.marks {
		if s.marks[i].name == string(name) {
			return &s.marks[i]
		}
	}
	return s.roaming.mark(name)
}

func (s *Stream) move(m *mark, position string) bool {
	at, err := realtime.ParsePosition(position)
	if err != nil {
		return false
	}
	if m.sum != 0 && (m.at.IsZero() || !m.at.IsUsable()) {
		// asOf vouches for every channel, so it must not be ahead of one that only begins.
		s.asOf = min(s.asOf, at.Time)
	}
	m.at = at
	return true
}
