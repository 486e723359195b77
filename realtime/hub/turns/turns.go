// Package turns has the subscriptions of one connection take turns, by deficit round robin: each is given about as many bytes as the others,
// however large what it is given is.
package turns

import "slices"

// Turns are those who wait to be given something, in turn. The zero value has none. It is guarded by its owner.
//
// Given is how many bytes all of them have been given so far, and a quantum how many one is given before it is the turn of the next. Who was given
// more, because a frame is never split, waits for as many turns as that takes.
type Turns[R comparable] struct {
	waiting []R
	began   uint64    // given, when the turn of the first began
	debts   map[R]int // what those who wait were given beyond their turns
}

// Len is how many wait.
func (t *Turns[R]) Len() int { return len(t.waiting) }

// Next returns whose turn it is, if anybody waits.
func (t *Turns[R]) Next(given uint64, quantum int) (next R, ok bool) {
	for len(t.waiting) > 0 {
		next = t.waiting[0]
		if len(t.waiting) == 1 || t.debts[next] < quantum {
			return next, true
		}
		t.debts[next] -= quantum
		t.waiting = append(t.waiting[1:], next)
		t.began = given
	}
	return next, false
}

// Wait has somebody given more when it is its turn, and there is room. Whose turn is over goes behind the others.
func (t *Turns[R]) Wait(r R, given uint64, quantum int) {
	i := slices.Index(t.waiting, r)
	switch {
	case i < 0:
		if t.waiting = append(t.waiting, r); len(t.waiting) == 1 {
			t.began = given
		}
		return
	case i > 0:
		return
	}
	had := int(given-t.began) + t.debts[r] //nolint:gosec // some frames
	if had < quantum {
		return
	}
	t.waiting = append(t.waiting[1:], r)
	t.began = given
	if t.debts == nil {
		t.debts = map[R]int{}
	}
	t.debts[r] = had - quantum
}

// Drop takes somebody out that has been given all there is, or is gone.
func (t *Turns[R]) Drop(r R, given uint64) {
	delete(t.debts, r)
	i := slices.Index(t.waiting, r)
	if i < 0 {
		return
	}
	t.waiting = slices.Delete(t.waiting, i, i+1)
	if i == 0 {
		t.began = given
	}
	if len(t.waiting) == 0 {
		t.waiting = nil
	}
}
