package yjs

import (
	"maps"
	"slices"
)

// span is part of the edits of a client: from a clock on, before another.
type span struct{ from, to uint64 }

// Ranges are parts of the edits of clients, by the number of the client: in ascending order, with something missing between any two. They are not safe for
// concurrent use.
type Ranges map[uint64][]span

// add adds a span, which may be empty.
func (r Ranges) add(client uint64, s span) {
	if s.from >= s.to {
		return
	}
	all := r[client]
	if n := len(all); n == 0 || all[n-1].to < s.from { // as they come, nearly always
		r[client] = append(all, s)
		return
	}
	first, _ := slices.BinarySearchFunc(all, s.from, func(a span, from uint64) int { return compare(a.to, from) })
	last := first
	for last < len(all) && all[last].from <= s.to {
		s.from, s.to = min(s.from, all[last].from), max(s.to, all[last].to)
		last++
	}
	r[client] = slices.Replace(all, first, last, s)
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// missing returns the parts of a span that are not there.
func (r Ranges) missing(client uint64, s span) (parts []span) {
	all := r[client]
	first, _ := slices.BinarySearchFunc(all, s.from, func(a span, from uint64) int { return compare(a.to, from) })
	for _, have := range all[first:] {
		if have.from >= s.to {
			break
		}
		if s.from < have.from {
			parts = append(parts, span{s.from, have.from})
		}
		s.from = max(s.from, have.to)
	}
	if s.from < s.to {
		parts = append(parts, s)
	}
	return parts
}

// len is how many spans there are.
func (r Ranges) len() (n int) {
	for _, all := range r {
		n += len(all)
	}
	return n
}

// clients returns their numbers in the order in which Yjs writes them.
func (r Ranges) clients() []uint64 {
	return slices.SortedFunc(maps.Keys(r), func(a, b uint64) int { return compare(b, a) })
}

// StateVector encodes how far the edits of each client are there without a hole.
func (r Ranges) StateVector() []byte {
	var clocks []byte
	n := uint64(0)
	for _, client := range r.clients() {
		if first := r[client][0]; first.from == 0 {
			clocks = appendInteger(appendInteger(clocks, client), first.to)
			n++
		}
	}
	return append(appendInteger(nil, n), clocks...)
}

// maxClients is how many clients a state vector may name. Each time that a document is opened counts as one.
const maxClients = 1 << 16

// parseStateVector reads what a client has of a document.
func parseStateVector(b []byte) (Ranges, error) {
	r := &reader{b: b}
	have := Ranges{}
	n := r.integer()
	if n > maxClients {
		return nil, errDamaged
	}
	for ; n > 0 && !r.bad; n-- {
		client := r.integer()
		have.add(client, span{0, r.integer()})
	}
	if r.bad || len(r.b) > 0 {
		return nil, errDamaged
	}
	return have, nil
}

// appendDeletions appends a delete set.
func (r Ranges) appendDeletions(b []byte) []byte {
	b = appendInteger(b, uint64(len(r)))
	for _, client := range r.clients() {
		b = appendInteger(appendInteger(b, client), uint64(len(r[client])))
		for _, s := range r[client] {
			b = appendInteger(appendInteger(b, s.from), s.to-s.from)
		}
	}
	return b
}

// readDeletions reads a delete set.
func readDeletions(r *reader) Ranges {
	deleted := Ranges{}
	for n := r.integer(); n > 0 && !r.bad; n-- {
		client := r.integer()
		for k := r.integer(); k > 0 && !r.bad; k-- {
			from := r.integer()
			size := r.integer()
			if from+size > maxInteger {
				r.fail()
			}
			deleted.add(client, span{from, from + size})
		}
	}
	return deleted
}
