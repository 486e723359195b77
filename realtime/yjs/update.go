package yjs

import (
	"bytes"
	"slices"
)

// The kinds of what an update holds, by the lower bits of its first byte.
const (
	kindGC      = 0
	kindDeleted = 1
	kindJSON    = 2
	kindBinary  = 3
	kindString  = 4
	kindEmbed   = 5
	kindFormat  = 6
	kindType    = 7
	kindAny     = 8
	kindDoc     = 9
	kindSkip    = 10

	kindBits  = 0x1f
	hasSub    = 0x20 // it names the member of its parent
	hasRight  = 0x40 // it names what it was put before
	hasOrigin = 0x80 // it names what it was put behind
)

// piece is an edit, or several that follow one another: what Yjs calls a struct.
type piece struct {
	span
	raw []byte // as it was encoded, which is never changed
	// of a piece that names what it was put before or behind, or whose content can be cut:
	content int // where its content begins in raw
}

func (p *piece) kind() byte { return p.raw[0] & kindBits }

// Update is what has become of a document: edits, and which edits were deleted. It is not safe for concurrent use. What it holds is part of the bytes that it was
// read from.
type Update struct {
	pieces  map[uint64][]piece // by client, in ascending order, without what was skipped
	deleted Ranges
}

// Parse reads an update. What it refuses makes a client of Yjs fail.
func Parse(b []byte) (*Update, error) {
	r := &reader{b: b}
	u := &Update{pieces: map[uint64][]piece{}}
	for n := r.integer(); n > 0 && !r.bad; n-- {
		count := r.integer()
		client := r.integer()
		clock := r.integer()
		if _, twice := u.pieces[client]; twice {
			return nil, errDamaged
		}
		var pieces []piece
		for ; count > 0 && !r.bad; count-- {
			p := readPiece(r, clock)
			if clock = p.to; clock > maxInteger {
				r.fail()
			}
			if !r.bad && p.kind() != kindSkip && p.from < p.to {
				pieces = append(pieces, p)
			}
		}
		if len(pieces) > 0 {
			u.pieces[client] = pieces
		}
	}
	u.deleted = readDeletions(r)
	if r.bad || len(r.b) > 0 {
		return nil, errDamaged
	}
	return u, nil
}

func readPiece(r *reader, clock uint64) piece {
	begin := r.b
	info := r.octet()
	at := func() int { return len(begin) - len(r.b) }
	p := piece{span: span{from: clock, to: clock}}
	if info == kindSkip || info&kindBits == kindGC {
		p.content = at()
		p.to += r.integer()
	} else {
		if info&hasOrigin != 0 {
			r.integer()
			r.integer()
		}
		if info&hasRight != 0 {
			r.integer()
			r.integer()
		}
		if info&(hasOrigin|hasRight) == 0 {
			readParent(r, info)
		}
		p.content = at()
		p.to += readContent(r, info&kindBits)
	}
	if !r.bad {
		p.raw = begin[:at():at()]
	}
	return p
}

func readParent(r *reader, info byte) {
	if r.integer() == 1 {
		r.text() // a name of the document's own
	} else {
		r.integer()
		r.integer()
	}
	if info&hasSub != 0 {
		r.text()
	}
}

// readContent skips what a piece holds, and returns how many edits it is.
func readContent(r *reader, kind byte) uint64 {
	switch kind {
	case kindDeleted:
		return r.integer()
	case kindJSON, kindAny:
		n := r.integer()
		for i := uint64(0); i < n && !r.bad; i++ {
			if kind == kindAny {
				r.value(0)
			} else {
				r.text()
			}
		}
		return n
	case kindBinary:
		r.bytes()
	case kindString:
		return units(r.text())
	case kindEmbed:
		r.text()
	case kindFormat:
		r.text()
		r.text()
	case kindType:
		switch r.integer() {
		case 0, 1, 2, 4, 6: // those without a name
		case 3, 5:
			r.text()
		default:
			r.fail()
		}
	case kindDoc:
		r.text()
		r.value(0)
	default:
		r.fail()
	}
	return 1
}

// from returns what is left of a piece without its first edits; offset is how many, less than there are.
func (p *piece) after(client, offset uint64) piece {
	if offset == 0 {
		return *p
	}
	rest := piece{span: span{p.from + offset, p.to}}
	content := p.raw[p.content:]
	kind := p.kind()
	if kind == kindGC {
		rest.raw = appendInteger([]byte{p.raw[0]}, rest.to-rest.from)
		rest.content = 1
		return rest
	}
	// It was put behind the edit before it.
	raw := appendInteger(appendInteger([]byte{p.raw[0] | hasOrigin}, client), p.from+offset-1)
	if p.raw[0]&hasRight != 0 {
		raw = append(raw, p.right()...)
	}
	rest.content = len(raw)
	switch kind {
	case kindDeleted:
		raw = appendInteger(raw, rest.to-rest.from)
	case kindString:
		r := &reader{b: content}
		raw = appendBytes(raw, after(r.text(), offset))
	case kindJSON, kindAny:
		r := &reader{b: content}
		n := r.integer()
		for range offset {
			if kind == kindAny {
				r.value(0)
			} else {
				r.text()
			}
		}
		raw = append(appendInteger(raw, n-offset), r.b...)
	}
	rest.raw = raw
	return rest
}

// right is what a piece was put before, as it was encoded; empty if it does not say.
func (p *piece) right() []byte {
	if p.raw[0]&hasRight == 0 {
		return nil
	}
	r := &reader{b: p.raw[1:p.content]}
	if p.raw[0]&hasOrigin != 0 {
		r.integer()
		r.integer()
	}
	return r.b
}

// joins reports whether next is text that was written behind that of p.
func (p *piece) joins(client uint64, next *piece) bool {
	if p.kind() != kindString || next.kind() != kindString || next.raw[0]&hasOrigin == 0 || p.to != next.from {
		return false
	}
	r := &reader{b: next.raw[1:]}
	behind, at := r.integer(), r.integer()
	return behind == client && at == p.to-1 && bytes.Equal(p.right(), next.right())
}

// join appends text that p and pieces behind it hold.
func join(all []piece) piece {
	first := all[0]
	if len(all) == 1 {
		return first
	}
	var text []byte
	for i := range all {
		r := &reader{b: all[i].raw[all[i].content:]}
		text = append(text, r.text()...)
	}
	joined := piece{span: span{first.from, all[len(all)-1].to}, content: first.content}
	joined.raw = appendBytes(slices.Clone(first.raw[:first.content]), text)
	return joined
}

// Edits are which edits it has, and Deleted which it says were deleted.
func (u *Update) Edits() Ranges {
	all := Ranges{}
	for client, pieces := range u.pieces {
		for i := range pieces {
			all.add(client, pieces[i].span)
		}
	}
	return all
}

// Deleted are the edits that it says were deleted. They are the Update's own.
func (u *Update) Deleted() Ranges { return u.deleted }

// Empty reports whether it has nothing.
func (u *Update) Empty() bool { return len(u.pieces) == 0 && len(u.deleted) == 0 }

// Append encodes it as Yjs does.
func (u *Update) Append(b []byte) []byte {
	clients := make([]uint64, 0, len(u.pieces))
	for client := range u.pieces {
		clients = append(clients, client)
	}
	slices.SortFunc(clients, func(a, b uint64) int { return compare(b, a) })
	b = appendInteger(b, uint64(len(clients)))
	for _, client := range clients {
		b = appendPieces(b, client, u.pieces[client])
	}
	return u.deleted.appendDeletions(b)
}

func appendPieces(b []byte, client uint64, pieces []piece) []byte {
	n, at := uint64(len(pieces)), pieces[0].from
	for i := range pieces {
		if pieces[i].from > at {
			n++
		}
		at = pieces[i].to
	}
	b = appendInteger(appendInteger(appendInteger(b, n), client), pieces[0].from)
	at = pieces[0].from
	for i := range pieces {
		if pieces[i].from > at {
			b = appendInteger(append(b, kindSkip), pieces[i].from-at)
		}
		b = append(b, pieces[i].raw...)
		at = pieces[i].to
	}
	return b
}
