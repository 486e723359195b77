package tempo

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// slowAfter is how many flushes in a row find the last one unsent before the rate is halved.
	slowAfter = 3
	// cleanFor is how long none does before it is doubled again.
	cleanFor = 10 * time.Second
	// toldEvery is how often a client is told of its rate at most.
	toldEvery = 5 * time.Second
	// leastRate is how far a rate goes down if its namespace does not say.
	leastRate = 0.5
)

// The bounds of what waits for the readers of one channel that are given what is new from time to time.
const (
	MostKeys  = 1 << 20
	MostBytes = 8 << 20
	MostIdle  = 1 << 20 // bytes of what all of them have had, and what comes is compared with
)

// Tempo is that of one reader. The zero Tempo has no rate: the reader is given everything at once. It is not safe for concurrent use.
type Tempo struct {
	granted float64 // flushes a second; 0 is without bound
	slowed  float64 // what it is because the client does not keep up; 0 is granted
	least   float64 // how far it goes down

	next    time.Time // when the reader may be given more
	skipped int       // flushes in a row that found the last one unsent
	clean   time.Time // since when none was
	told    time.Time // when the client was last told of its rate
}

// Grant gives the reader another rate, which it may use at once; 0 is none.
func (t *Tempo) Grant(rate float64, now time.Time) { t.granted, t.slowed, t.next = rate, 0, now }

// Floor says by the rules of the reader's namespace how far its rate goes down by itself.
func (t *Tempo) Floor(n *realtime.Namespace) {
	t.least = min(leastRate, t.granted)
	if n.Rate != nil && n.Rate.Min > 0 {
		t.least = min(n.Rate.Min, t.granted)
	}
}

// Granted is the rate that was granted, Effective the one in force; 0 is none.
func (t *Tempo) Granted() float64 { return t.granted }

// Effective is the rate in force.
func (t *Tempo) Effective() float64 {
	if t.slowed > 0 {
		return t.slowed
	}
	return t.granted
}

// Next is when the reader may be given more.
func (t *Tempo) Next() time.Time { return t.next }

// Wait has it be given nothing before a moment. A reader with a rate has moments of its own, and is left as it is.
func (t *Tempo) Wait(until time.Time) {
	if t.granted == 0 {
		t.next = until
	}
}

// Flushed says that the reader is given what is new.
func (t *Tempo) Flushed(now time.Time) {
	if t.granted > 0 {
		t.next = now.Add(time.Duration(float64(time.Second) / t.Effective()))
	}
}

// Due is called when a flush of a reader with a rate is due. taken says whether its client has taken the last one: otherwise this one is left
// out, and what it would have brought is in the next. tell says that the client is to be told what is Effective now.
func (t *Tempo) Due(taken bool, now time.Time) (tell bool) {
	if taken {
		t.skipped = 0
		if t.slowed > 0 && now.Sub(t.clean) >= cleanFor {
			t.clean = now
			tell = t.adjust(min(t.slowed*2, t.granted), now)
		}
		return tell
	}
	t.clean = now
	if t.skipped++; t.skipped >= slowAfter {
		t.skipped = 0
		tell = t.adjust(max(t.Effective()/2, t.least), now)
	}
	t.Flushed(now)
	return tell
}

// adjust changes the rate in force.
func (t *Tempo) adjust(rate float64, now time.Time) (tell bool) {
	if rate == t.Effective() {
		return false
	}
	t.slowed = rate
	if rate >= t.granted {
		t.slowed = 0
	}
	if now.Sub(t.told) < toldEvery {
		return false
	}
	t.told = now
	return true
}

// Conflation counts what one reader was not given because something newer took its place. The zero value has counted nothing.
type Conflation struct {
	replaced int64
	paused   bool
}

// Passed is told how many changes the reader has passed, and how many of them it was shown or need not have been.
func (c *Conflation) Passed(from, to uint64, seen int) {
	c.replaced += int64(to-from) - int64(seen) //nolint:gosec // what has been published in a while
}

// Pause is told that the reader asks for nothing, or does again.
func (c *Conflation) Pause(paused bool) { c.paused = c.paused || paused }

// Take returns how many there were until the reader had everything, and why, and begins anew.
func (c *Conflation) Take(rated bool) (n int, why realtime.Reason) {
	n, why = int(c.replaced), realtime.ReasonSlow
	if c.paused || rated {
		why = realtime.ReasonRate
	}
	*c = Conflation{}
	return max(n, 0), why
}
