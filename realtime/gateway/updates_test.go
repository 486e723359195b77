package gateway_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// These read and write as much of what Yjs encodes as the editors of these tests write, and know nothing of package yjs.

// editID names an edit: the number of its editor, and how many that had made before.
type editID struct{ editor, clock uint64 }

// edits are what has become of a document: what each edit has written, and which were deleted.
type edits struct {
	written map[editID]string
	deleted map[editID]bool
}

func newEdits() edits { return edits{written: map[editID]string{}, deleted: map[editID]bool{}} }

// add takes in what others have.
func (e edits) add(o edits) {
	maps.Copy(e.written, o.written)
	maps.Copy(e.deleted, o.deleted)
}

// vector is how many edits of each editor are there without a hole.
func (e edits) vector() map[uint64]uint64 {
	v := map[uint64]uint64{}
	for id := range e.written {
		if _, counted := v[id.editor]; counted {
			continue
		}
		n := uint64(0)
		for ; e.written[editID{id.editor, n}] != ""; n++ {
		}
		v[id.editor] = n
	}
	return v
}

// String is the same for two that have the same.
func (e edits) String() string {
	var lines []string
	for id, text := range e.written {
		lines = append(lines, fmt.Sprintf("%d:%d %s %t", id.editor, id.clock, text, e.deleted[id]))
	}
	for id := range e.deleted {
		if e.written[id] == "" {
			lines = append(lines, fmt.Sprintf("%d:%d deleted", id.editor, id.clock))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func varint(b []byte, n uint64) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func varbytes(b []byte, s string) []byte { return append(varint(b, uint64(len(s))), s...) }

// encodeVector encodes a state vector.
func encodeVector(v map[uint64]uint64) []byte {
	b := varint(nil, uint64(len(v)))
	for editor, n := range v {
		b = varint(varint(b, editor), n)
	}
	return b
}

// The kinds of what an editor writes: a letter that stands behind its last one, or a value of a list.
const (
	infoList   = 8
	infoBehind = 4 | 0x80
	infoSkip   = 10
)

// encode encodes what is from some clocks on, with all deletions. Each value is one letter, or a text of its own.
func (e edits) encode(from map[uint64]uint64) []byte {
	clocks := map[uint64][]uint64{}
	for id := range e.written {
		if id.clock >= from[id.editor] {
			clocks[id.editor] = append(clocks[id.editor], id.clock)
		}
	}
	b := varint(nil, uint64(len(clocks)))
	for editor, all := range clocks {
		slices.Sort(all)
		b = e.encodeOf(b, editor, all)
	}
	gone := map[uint64][]uint64{}
	for id := range e.deleted {
		gone[id.editor] = append(gone[id.editor], id.clock)
	}
	b = varint(b, uint64(len(gone)))
	for editor, all := range gone {
		slices.Sort(all)
		b = varint(varint(b, editor), uint64(len(all)))
		for _, clock := range all {
			b = varint(varint(b, clock), 1)
		}
	}
	return b
}

func (e edits) encodeOf(b []byte, editor uint64, clocks []uint64) []byte {
	n, at := len(clocks), clocks[0]
	for _, clock := range clocks {
		if clock != at {
			n++
		}
		at = clock + 1
	}
	b = varint(varint(varint(b, uint64(n)), editor), clocks[0])
	at = clocks[0]
	for _, clock := range clocks {
		if clock != at {
			b = varint(append(b, infoSkip), clock-at)
		}
		at = clock + 1
		text := e.written[editID{editor, clock}]
		if clock > 0 && len(text) == 1 {
			b = varint(varint(append(b, infoBehind), editor), clock-1)
			b = varbytes(b, text)
			continue
		}
		b = varbytes(varint(append(b, infoList), 1), "list") // of the document
		b = varbytes(append(varint(b, 1), 119), text)        // one value, which is a text
	}
	return b
}

// decoder reads, and remembers that something was wrong.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.bad = nil, true
		return make([]byte, min(n, 1<<10))
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		c := d.take(1)[0]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

func (d *decoder) text() string { return string(d.take(d.number())) }

func decodeVector(b []byte) map[uint64]uint64 {
	d := &decoder{b: b}
	v := map[uint64]uint64{}
	for n := d.number(); n > 0 && !d.bad; n-- {
		editor := d.number()
		v[editor] = d.number()
	}
	return v
}

// decodeEdits reads an update.
func decodeEdits(b []byte) (edits, error) {
	d, e := &decoder{b: b}, newEdits()
	for n := d.number(); n > 0 && !d.bad; n-- {
		count, editor, clock := d.number(), d.number(), d.number()
		for ; count > 0 && !d.bad; count-- {
			clock = d.piece(e, editor, clock)
		}
	}
	for n := d.number(); n > 0 && !d.bad; n-- {
		editor := d.number()
		for k := d.number(); k > 0 && !d.bad; k-- {
			clock := d.number()
			for size := d.number(); size > 0 && !d.bad; size-- {
				e.deleted[editID{editor, clock}] = true
				clock++
			}
		}
	}
	if d.bad || len(d.b) > 0 {
		return e, errors.New("an update that cannot be read")
	}
	return e, nil
}

func (d *decoder) piece(e edits, editor, clock uint64) (next uint64) {
	info := d.take(1)[0]
	if info == infoSkip {
		return clock + d.number()
	}
	if info&0x80 != 0 { // what it stands behind
		d.number()
		d.number()
	} else {
		d.number()
		d.text()
	}
	if info&0x1f == infoList {
		for n := d.number(); n > 0 && !d.bad; n-- {
			d.take(1)
			e.written[editID{editor, clock}] = d.text()
			clock++
		}
		return clock
	}
	for _, letter := range d.text() {
		e.written[editID{editor, clock}] = string(letter)
		clock++
	}
	return clock
}
