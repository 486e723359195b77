package yjs

import "slices"

// Merge makes one update of several: whoever has it has all of them. Text that was written in one go becomes one piece.
func Merge(updates []*Update) *Update {
	merged := &Update{pieces: map[uint64][]piece{}, deleted: Ranges{}}
	for _, u := range updates {
		for client, pieces := range u.pieces {
			merged.pieces[client] = append(merged.pieces[client], pieces...)
		}
		for client, spans := range u.deleted {
			for _, s := range spans {
				merged.deleted.add(client, s)
			}
		}
	}
	for client, pieces := range merged.pieces {
		merged.pieces[client] = joined(client, once(client, pieces))
	}
	return merged
}

// once returns the pieces in ascending order, each edit once.
func once(client uint64, pieces []piece) []piece {
	slices.SortStableFunc(pieces, func(a, b piece) int { return compare(a.from, b.from) })
	all, at := pieces[:0:0], uint64(0)
	for i := range pieces {
		p := &pieces[i]
		if p.to <= at {
			continue
		}
		all = append(all, p.after(client, max(at, p.from)-p.from))
		at = p.to
	}
	return all
}

// joined returns the pieces with texts joined.
func joined(client uint64, pieces []piece) []piece {
	all := pieces[:0:0]
	for first, i := 0, 1; i <= len(pieces); i++ {
		if i == len(pieces) || !pieces[i-1].joins(client, &pieces[i]) {
			all = append(all, join(pieces[first:i]))
			first = i
		}
	}
	return all
}

// Without returns what of the update is not there already. A piece of which something is missing stays whole unless its beginning is there.
func (u *Update) Without(edits, deleted Ranges) *Update {
	rest := &Update{pieces: map[uint64][]piece{}, deleted: Ranges{}}
	for client, pieces := range u.pieces {
		var left []piece
		for i := range pieces {
			if missing := edits.missing(client, pieces[i].span); len(missing) > 0 {
				left = append(left, pieces[i].after(client, missing[0].from-pieces[i].from))
			}
		}
		if len(left) > 0 {
			rest.pieces[client] = left
		}
	}
	for client, spans := range u.deleted {
		for _, s := range spans {
			for _, part := range deleted.missing(client, s) {
				rest.deleted.add(client, part)
			}
		}
	}
	return rest
}

// Split encodes the update as several of at most so many bytes each, which together say what it says. It reports false if a piece is
// larger than that and cannot be cut: then there is no encoding.
func (u *Update) Split(most int) (encoded [][]byte, ok bool) {
	if whole := u.Append(nil); len(whole) <= most {
		return [][]byte{whole}, true
	}
	s := &splitter{most: most, room: most - overhead, part: &Update{pieces: map[uint64][]piece{}, deleted: Ranges{}}}
	for client, pieces := range u.pieces {
		for i := range pieces {
			for _, p := range pieces[i].cut(client, s.room) {
				if len(p.raw) > s.room {
					return nil, false
				}
				s.take(len(p.raw) + perClient)
				s.part.pieces[client] = append(s.part.pieces[client], p)
			}
		}
	}
	for client, spans := range u.deleted {
		for _, d := range spans {
			s.take(2*maxVarint + perClient)
			s.part.deleted.add(client, d)
		}
	}
	s.flush()
	return s.encoded, true
}

const (
	maxVarint = 8
	// overhead is what an update has besides its pieces and deletions: how many clients each has.
	overhead = 4 * maxVarint
	// perClient is what a client has besides: its number, a clock, how many pieces, and one that skips.
	perClient = 4*maxVarint + 1
)

// splitter fills parts of a bounded size.
type splitter struct {
	most, room int
	part       *Update
	size       int
	encoded    [][]byte
}

// take makes room for so many bytes.
func (s *splitter) take(n int) {
	if s.size > 0 && s.size+n > s.room {
		s.flush()
	}
	s.size += n
}

func (s *splitter) flush() {
	if !s.part.Empty() {
		s.encoded = append(s.encoded, s.part.Append(nil))
	}
	s.part, s.size = &Update{pieces: map[uint64][]piece{}, deleted: Ranges{}}, 0
}

// cut returns the piece, in several parts if it is text that is longer than so many bytes.
func (p *piece) cut(client uint64, most int) (parts []piece) {
	rest := *p
	for len(rest.raw) > most && rest.kind() == kindString {
		r := &reader{b: rest.raw[rest.content:]}
		head, n := before(r.text(), uint64(max(1, (most-perClient)/4))) // of at most 4 bytes each
		if n == 0 {
			break
		}
		first := piece{span: span{rest.from, rest.from + n}, content: rest.content}
		first.raw = appendBytes(slices.Clone(rest.raw[:rest.content]), head)
		parts = append(parts, first)
		rest = rest.after(client, n)
	}
	return append(parts, rest)
}
