package resumetest

import (
	"sort"
	"time"
)

// history is what was published to one channel, in order. An event's place
// never changes.
type history struct {
	ids  []string // "" where an event was withdrawn
	at   map[string]int
	void []int // the places of those withdrawn
}

func (h *history) len() int { return len(h.ids) }

// add appends an event, unless its ID is there.
func (h *history) add(id string) bool {
	if _, ok := h.at[id]; ok {
		return false
	}
	h.at[id] = len(h.ids)
	h.ids = append(h.ids, id)
	return true
}

// remove takes an event back. Its ID may be added again, at another place.
func (h *history) remove(id string) bool {
	at, ok := h.at[id]
	if ok {
		delete(h.at, id)
		h.ids[at] = ""
		i := sort.SearchInts(h.void, at)
		h.void = append(h.void, 0)
		copy(h.void[i+1:], h.void[i:])
		h.void[i] = at
	}
	return ok
}

// between counts the events from one place up to another, which is not included.
func (h *history) between(from, to int) int {
	if from >= to {
		return 0
	}
	return to - from - (sort.SearchInts(h.void, to) - sort.SearchInts(h.void, from))
}

// claim is what a client has of a channel and what has to come next: an event
// at a place from earliest to latest. Both are the same within a run; a
// first answer and a gap open them.
type claim struct {
	answered bool        // once
	live     bool        // on a connection that is open
	owed     []time.Time // questions without an answer, oldest first

	earliest, latest int

	gaps   int // told since the last message
	before int // latest before the first of them

	had []span // what it was given, in runs
}

// span is a run of places, without its end.
type span struct{ from, to int }

// moveTo takes the event at a place not before earliest. It returns how many of the gaps
// that were told before it were false.
func (c *claim) moveTo(at int, h *history) (falseGaps int) {
	if c.gaps > 0 && h.between(c.before, at) == 0 {
		falseGaps = c.gaps
	}
	c.gaps = 0
	if n := len(c.had); n > 0 && c.had[n-1].to == at {
		c.had[n-1].to++
	} else {
		c.had = append(c.had, span{at, at + 1})
	}
	c.earliest, c.latest = at+1, at+1
	return falseGaps
}

// has reports whether the client was given the event at a place.
func (c *claim) has(at int) bool {
	i := sort.Search(len(c.had), func(i int) bool { return c.had[i].to > at })
	return i < len(c.had) && c.had[i].from <= at
}
