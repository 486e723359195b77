package sse

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// maxRoaming bounds the channels that have come by patterns of which a Stream knows where it stands.
	maxRoaming = 256
	// vouchedAfter is how much later than a channel's Position asOf must be to stand for it: hub.SubscribePattern gives, of
	// channels of which a client does not say where it stands, what is younger than asOf and this much older.
	vouchedAfter = time.Minute
)

// The flags of a pattern in an id.
const (
	flagState = 1 << iota // its states are carried, and not all that happens
	flagLost              // where the stream stands in it is not said
)

// roaming is where a stream stands in the channels that have come by patterns. Of what happens in them, asOf stands for those that have been
// silent since, and for others, too: their newest events are only given again. Nothing stands for states.
type roaming struct {
	patterns []selected
	marks    map[string]*mark
	state    bool // their states are carried
	lost     bool // more than an id holds
}

type selected struct {
	pattern realtime.Pattern
	sum     uint64
	begun   int64 // since when it is carried, ms; 0: it is not yet
	lost    bool  // the client has had something of it, and nobody can tell what
}

// Select has the stream carry all channels of patterns besides, none of which is its own or that of two of them, or, if state says so, the
// states of these. It is called before Resume.
//
// An id has room for about 60 of their channels. Of more it has those with the newest events, and the others resume as those do in which the
// stream stands nowhere; but if their states are carried, it has none of them then, and all resume with forgetting them.
func (s *Stream) Select(patterns []realtime.Pattern, state bool) {
	s.roaming = roaming{marks: map[string]*mark{}, state: state}
	for _, p := range patterns {
		s.roaming.patterns = append(s.roaming.patterns, selected{pattern: p, sum: nameSum(string(p))})
	}
}

// Roaming is where a stream stands in the channels of a pattern.
type Roaming struct {
	AsOf int64 // it has had everything up to this, but for the channels of Each, ms; 0: it has had nothing
	Lost bool  // it has, and nobody can tell what
	// Each calls do with each channel of which it is known where it stands.
	Each func(do func(name string, at realtime.Position, view string))
}

// Roaming returns where the stream stands in the channels of the pattern of an index.
func (s *Stream) Roaming(i int) Roaming {
	p := s.roaming.patterns[i]
	r := Roaming{Lost: p.lost, Each: func(do func(name string, at realtime.Position, view string)) {
		for _, m := range s.roaming.marks {
			if p.pattern.Match(m.name, "", nil) {
				do(m.name, m.at, m.view)
			}
		}
	}}
	if p.begun != 0 {
		r.AsOf = max(p.begun, s.asOf)
	}
	return r
}

// of returns the pattern that a channel has come by; nil if it is none.
func (r *roaming) of(name string) *selected {
	for i := range r.patterns {
		if r.patterns[i].pattern.Match(name, "", nil) {
			return &r.patterns[i]
		}
	}
	return nil
}

// mark returns where the stream stands in a channel that has come by a pattern; nil if that is not told.
func (r *roaming) mark(name []byte) *mark {
	if m := r.marks[string(name)]; m != nil || r.lost {
		return m
	}
	m := &mark{name: string(name)}
	if r.of(m.name) == nil {
		return nil
	}
	if len(r.marks) >= maxRoaming && r.shrink() && r.lost {
		return nil
	}
	r.marks[m.name] = m
	return m
}

// resume takes over where a stream stood in a channel.
func (r *roaming) resume(m mark) {
	if p := r.of(m.name); p != nil && p.begun != 0 && len(r.marks) < maxRoaming {
		r.marks[m.name] = &m
	}
}

// begin says since when a pattern is carried. It reports false if it was before.
func (r *roaming) begin(pattern string, ms int64) bool {
	for i := range r.patterns {
		if p := &r.patterns[i]; string(p.pattern) == pattern && p.begun == 0 {
			p.begun, p.lost = ms, false
			return true
		}
	}
	return false
}

// vouch forgets the channels for which asOf stands.
func (r *roaming) vouch(asOf int64) {
	if r.state {
		return
	}
	maps.DeleteFunc(r.marks, func(_ string, m *mark) bool { return m.at.Time < asOf-vouchedAfter.Milliseconds() })
}

// shrink forgets some channels, as Select says. It reports whether there was one.
func (r *roaming) shrink() bool {
	if len(r.marks) == 0 {
		return false
	}
	if r.state {
		r.lost = true
		clear(r.marks)
		return true
	}
	byAge := slices.SortedFunc(maps.Values(r.marks), func(a, b *mark) int { return cmp.Compare(a.at.Time, b.at.Time) })
	for _, m := range byAge[:(len(byAge)+3)/4] {
		delete(r.marks, m.name)
	}
	return true
}

// lose says that nobody can tell where the stream stands.
func (r *roaming) lose() {
	clear(r.marks)
	for i := range r.patterns {
		r.patterns[i].begun, r.patterns[i].lost = 0, true
	}
}

// append appends what an id has of the patterns.
func (r *roaming) append(b []byte) []byte {
	b = append(b, byte(len(r.patterns))) // at most MaxChannels
	for i := range r.patterns {
		p := &r.patterns[i]
		flags := byte(0)
		if r.state {
			flags |= flagState
		}
		if p.lost || r.lost {
			flags |= flagLost
		}
		b = append(binary.BigEndian.AppendUint64(b, p.sum), flags)
		b = binary.AppendUvarint(b, uint64(p.begun))
	}
	return b
}

// parse reads it.
func (r *roaming) parse(b []byte, now time.Time) (rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	n := int(b[0])
	b = b[1:]
	for range n {
		if len(b) < 10 {
			return nil, false
		}
		sum, flags := binary.BigEndian.Uint64(b), b[8]
		begun, n := binary.Uvarint(b[9:])
		if n <= 0 || begun > uint64(now.Add(vouchedAfter).UnixMilli()) {
			return nil, false
		}
		b = b[9+n:]
		for i := range r.patterns {
			if p := &r.patterns[i]; p.sum == sum && (flags&flagState != 0) == r.state { // else it is carried for the first time
				p.begun, p.lost = int64(begun), flags&flagLost != 0
				if p.lost {
					p.begun = 0
				}
			}
		}
	}
	return b, true
}
