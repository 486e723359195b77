package yjs

import "slices"

// order lets the edits of each client through in ascending order, without a hole, to somebody who has some of them.
//
// Yjs takes edits in any order, but then may never show them: of an edit that waits for one that comes later it does not always remember for which,
// if it has still later ones of the same client, and so does not look at it again when that has come. Where there is no hole it remembers.
// The entries of a state are in the order of the log at best, which a union of many is not, nor a key that is used again.
type order struct {
	next map[uint64]uint64  // by client: behind the last edit that was let through; one that is not in it has no hole
	held map[uint64][]piece // by client, in ascending order: behind a hole
	size int                // of held, in bytes
}

const (
	// maxOrdered is of how many clients an order knows what comes next. Of others what comes is taken for that.
	maxOrdered = 1 << 12
	// maxHeld is how much an order holds once the document is loaded, and maxHeldLoading until then: the largest state that there is by
	// default. With more, all is let through as it is.
	maxHeld        = 256 << 10
	maxHeldLoading = 8 << 20
	// pieceOverhead is what a piece takes besides its bytes.
	pieceOverhead = 64
)

// has is told that somebody has edits of a client up to one, without a hole.
func (o *order) has(client, to uint64) {
	if o.next == nil {
		o.next = map[uint64]uint64{}
	}
	if _, known := o.next[client]; known || len(o.next) < maxOrdered {
		o.next[client] = max(o.next[client], to)
	}
}

// begins is told what somebody has who has nothing else.
func (o *order) begins(have Ranges) {
	for client, all := range have {
		o.has(client, all[len(all)-1].to)
	}
}

// let returns what is to be let through of an update, with what was held back and need not be any more. It is u itself if that is all of it. begins
// says that of a client that is not known the first edit comes first.
func (o *order) let(u *Update, begins bool, most int) *Update {
	if o.goesOn(u, begins) {
		return u
	}
	through := &Update{pieces: map[uint64][]piece{}, deleted: u.deleted}
	for client, pieces := range u.pieces {
		for i := range pieces {
			o.hold(client, &pieces[i])
		}
		if ready := o.release(client, begins); len(ready) > 0 {
			through.pieces[client] = ready
		}
	}
	if o.size > most {
		return Merge([]*Update{through, o.rest()})
	}
	return through
}

// goesOn reports whether an update has no hole and fills none, and then lets it through.
func (o *order) goesOn(u *Update, begins bool) bool {
	for client, pieces := range u.pieces {
		at, known := o.next[client]
		if len(o.held[client]) > 0 {
			return false
		}
		for i := range pieces {
			if pieces[i].from > at && (known || begins || i > 0) {
				return false
			}
			at = max(at, pieces[i].to)
		}
	}
	for client, pieces := range u.pieces {
		o.has(client, pieces[len(pieces)-1].to)
	}
	return true
}

// hold holds a piece back.
func (o *order) hold(client uint64, p *piece) {
	if o.held == nil {
		o.held = map[uint64][]piece{}
	}
	all := o.held[client]
	at, _ := slices.BinarySearchFunc(all, p.from, func(a piece, from uint64) int { return compare(a.from, from) })
	o.held[client] = slices.Insert(all, at, *p)
	o.size += len(p.raw) + pieceOverhead
}

// release returns what is held back of a client and has no hole before it, each edit once.
func (o *order) release(client uint64, begins bool) []piece {
	all := o.held[client]
	at, known := o.next[client]
	if !known && !begins {
		at = all[0].from
	}
	n := 0
	for ; n < len(all) && all[n].from <= at; n++ {
		at = max(at, all[n].to)
		o.size -= len(all[n].raw) + pieceOverhead
	}
	if n == 0 {
		return nil
	}
	o.has(client, at)
	ready := once(client, slices.Clone(all[:n]))
	if o.held[client] = slices.Clone(all[n:]); n == len(all) {
		delete(o.held, client)
	}
	return ready
}

// rest returns all that is held back, and lets it through.
func (o *order) rest() *Update {
	rest := Merge([]*Update{{pieces: o.held}})
	for client, pieces := range rest.pieces {
		o.has(client, pieces[len(pieces)-1].to)
	}
	o.held, o.size = nil, 0
	return rest
}
