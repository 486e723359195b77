package record

import (
	"math"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Buffer keeps a message of a record that is not made until a fence tells that all before it has come.
// Repetitions are kept too: their numbers count, and the first copy may come after them.
func (r *Record) Buffer(m *realtime.Message, repeated bool) {
	aside(r, buffered{Message: *m, repeated: repeated})
}

func aside(r *Record, m buffered) {
	q, b := r.quota, &r.buffer
	turned(r)
	b.messages = append(b.messages, m)
	q.took(bufferedCost(&m.Message), m.Time.UnixMilli())
	q.holds(r)
	if most := 2*r.rules.Window + 64; len(b.messages) > most {
		r.trim(most / 2)
	}
	q.fit(bufferedCost(&m.Message))
}

// turned counts something that is about to be buffered.
func turned(r *Record) {
	r.quota.turn++
	if r.buffer.empty() {
		r.buffer.turn = r.quota.turn
	}
}

// Make makes the record of what was buffered: a fence that was published at ms, after the replay had begun, has come back, and
// so has all before it. It reports whether there is a hole.
func (r *Record) Make(ms int64) (hole bool) {
	complete := completeSince(r)
	r.made = true
	r.series.since = complete
	r.floor = r.Moment(ms)
	r.since = complete
	forgotten := max(r.quota.set.forgotten, r.quota.forgotten)
	if forgotten >= complete.UnixMilli() {
		r.since = time.UnixMilli(forgotten + 1)
		if r.evicted.Time <= forgotten {
			r.evicted = realtime.Position{}
		}
	} else {
		forgotten = 0
	}
	r.buffer.sort(r.quota.freedMessage)
	r.buffer.firstCopies()
	messages := r.buffer.messages
	for i := range messages {
		r.quota.freedMessage(&messages[i].Message) // before they count as entries, or what is buffered would push out itself
	}
	r.buffer, r.making = buffer{lost: r.buffer.lost}, true
	defer func() { r.making = false }()
	claimed, gone := complete.UnixMilli(), r.evicted.Time
	now := time.Now()
	for i := range messages {
		m, repeated := &messages[i].Message, messages[i].repeated
		at := m.Time.UnixMilli()
		hole = holeAmongLost(r, at, max(claimed, gone+1, forgotten+1)) || hole
		v := hear(r, m)
		if at <= forgotten {
			continue // another record of the channel may have had what came after it, and it does not come again
		}
		if at <= gone { // it was given up, or what came after it was
			if at == gone && !repeated {
				r.evicted = m.Position()
			}
			continue
		}
		if at >= claimed && (v == skipped || v == late && !repeated) {
			hole = true
			r.forgetAll(time.UnixMilli(at + 1))
		}
		if repeated || v == late {
			continue
		}
		if m.If != nil && !passes(r, m, messages[i].verdict) {
			continue
		}
		r.Append(m, now)
	}
	hole = holeAmongLost(r, math.MaxInt64, max(claimed, gone+1, forgotten+1)) || hole
	r.newest = max(r.newest, r.evicted.Time, ms-1)
	return hole
}

// Decide says what became of those messages with a Condition that are buffered, of which it is not known yet.
func Decide(r *Record, decided func(id string) realtime.Verdict) {
	kept := r.buffer.messages[:0]
	for i := range r.buffer.messages {
		b := r.buffer.messages[i]
		if b.If != nil && b.verdict == realtime.VerdictUnknown {
			b.verdict = decided(b.ID)
		}
		if b.verdict == realtime.VerdictLost {
			r.quota.freedMessage(&b.Message)
			loseNumber(r, &b.Message)
			continue
		}
		kept = append(kept, b)
	}
	clear(r.buffer.messages[len(kept):])
	r.buffer.messages = kept
}

// passes reports whether a message with a Condition is one of the record that is being made: one that lost is not, and nothing is kept of
// before one of which that is not known.
func passes(r *Record, m *realtime.Message, v realtime.Verdict) bool {
	if v == realtime.VerdictUnknown {
		r.forgetAll(time.UnixMilli(m.Time.UnixMilli() + 1))
	}
	return v == realtime.VerdictApplied
}

// Judgement is what a message shows.
type Judgement struct {
	// New says that it is to be appended.
	New bool
	// Hole says that something before it never came, and how that was seen: a reason of realtime.CountHoles. It is empty if
	// nothing is missing.
	Hole realtime.Reason
	// Until is the moment of the hole, in ms.
	Until int64
	// Known says that the hole lies before one that was told already.
	Known bool
}

// Judge says what a message shows that has come for a record that is made. What came before the moment memorable, in ms, may look new
// and be a repetition. A message that is new may be given a later time, so that those of a record never decrease.
func (r *Record) Judge(m *realtime.Message, repeated bool, memorable int64) Judgement {
	ms := m.Time.UnixMilli()
	v := r.series.hear(m)
	if v != late && ms < r.newest && ms >= r.newest-r.skew && ms >= memorable {
		// Of two publishers the broker has stored one earlier, and the other before it. Its own place is
		// the order's; the record's times never decrease.
		ms = r.newest
		m.Time = time.UnixMilli(ms)
	}
	switch {
	case repeated:
		if v == skipped {
			return holeIn(&r.Window, realtime.ReasonSkipped, ms)
		}
		return Judgement{}
	case v == late && ms < r.told:
		return Judgement{Hole: realtime.ReasonLate, Known: true}
	case v == late, ms < r.newest, ms == r.newest && ms < memorable:
		// It comes behind its successors. Out of order it is not given; that it
		// is missing is said.
		return holeIn(&r.Window, realtime.ReasonLate, r.newest)
	case v == skipped:
		j := holeIn(&r.Window, realtime.ReasonSkipped, ms)
		j.New = true
		return j
	}
	return Judgement{New: true}
}

// holeIn is a hole up to a moment. Before a cut, with nothing since, it is known.
func holeIn(w *Window, why realtime.Reason, ms int64) Judgement {
	return Judgement{Hole: why, Until: ms, Known: w.Len() == 0 && w.evicted.IsZero() && ms < w.since.UnixMilli()}
}

// Lose cuts the record behind a moment, in ms: something up to then never came, and nobody
// resumes across it. The moment's own millisecond is given up too, since what is missing may share it. It returns where a
// reader stood that has had everything.
func (r *Record) Lose(ms int64) realtime.Position {
	at := r.Position()
	r.told = ms + 1
	r.forgetAll(time.UnixMilli(ms + 1))
	r.floor = at
	return at
}

// Append remembers a message that is new and evicts what is too much. It returns the entry and its number; the
// record may hold it no more.
func (r *Record) Append(m *realtime.Message, now time.Time) (e Entry, number uint64) {
	q := r.quota
	r.newest = m.Time.UnixMilli()
	e = newEntry(m)
	q.turn++
	e.turn = q.turn
	number = r.Next()
	r.append(e)
	q.took(e.cost(), e.At.Time)
	q.holds(r)
	for n := 0; n < evictAtOnce && r.Len() > r.rules.Window; n++ { // more than one after its rules have changed
		r.evict(realtime.ReasonCount)
	}
	r.Expire(now)
	q.fit(e.cost())
	r.keys = r.keys.noted(&r.Window, e.Key, number)
	return e, number
}
