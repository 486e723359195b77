package record

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// A Publication that lost is given to nobody, so it takes neither the place nor the room of one that is. Of what would be buffered of it, only its number is
// kept, which shows that nothing is missing; and of those that a publisher has published one behind the other, from where to where.

// lost are the numbers of those that lost in a channel.
type lost struct {
	spans map[string][]span // by publisher, in order; none meets the next one
	count int
	bytes int // that they take
}

// span is numbers of a publisher, one behind the other.
type span struct {
	first, last uint64
	previous    time.Time // when the publisher published before the first
	begun, at   int64     // when the first and the last were published, ms
}

// spanCost is about what a span takes.
const spanCost = 96

func (b *buffer) empty() bool { return len(b.messages) == 0 && b.lost.count == 0 }

// BufferDecided is Buffer of a message of which is known what became of it, if it has a Condition.
func BufferDecided(r *Record, m *realtime.Message, repeated bool, v realtime.Verdict) {
	switch {
	case m.If == nil:
		aside(r, buffered{Message: *m, repeated: repeated})
	case v != realtime.VerdictLost:
		aside(r, buffered{Message: *m, repeated: repeated, verdict: v})
	default:
		turned(r)
		loseNumber(r, m)
		if !r.buffer.empty() {
			r.quota.holds(r)
			r.quota.fit(spanCost)
		}
	}
}

// loseNumber notes the number of a message that lost.
func loseNumber(r *Record, m *realtime.Message) {
	if m.Series == "" || m.Number == 0 {
		return
	}
	l, ms := &r.buffer.lost, m.Time.UnixMilli()
	if l.spans == nil {
		l.spans = map[string][]span{}
	}
	all := l.spans[m.Series]
	i, _ := slices.BinarySearchFunc(all, m.Number, func(s span, n uint64) int { return cmp.Compare(s.last, n) }) // the first that ends with it or later
	switch {
	case i < len(all) && all[i].first <= m.Number:
		return // it has come before
	case i > 0 && all[i-1].last+1 == m.Number:
		i--
		all[i].last, all[i].at = m.Number, ms
	case i < len(all) && m.Number+1 == all[i].first:
		all[i].first, all[i].begun, all[i].previous = m.Number, ms, m.Previous
	default:
		all = slices.Insert(all, i, span{first: m.Number, last: m.Number, previous: m.Previous, begun: ms, at: ms})
		countSpans(r, 1)
	}
	if i+1 < len(all) && all[i].last+1 == all[i+1].first {
		all[i].last, all[i].at = all[i+1].last, all[i+1].at
		all = slices.Delete(all, i+1, i+2)
		countSpans(r, -1)
	}
	l.spans[m.Series] = all
	if l.count > 2*r.rules.Window+2*maxSeries { // that many are apart from each other only if much is missing
		hearLost(r, math.MaxInt64)
	}
}

// countSpans counts spans that have come, or gone.
func countSpans(r *Record, n int) {
	l := &r.buffer.lost
	l.count += n
	l.bytes += n * spanCost
	r.quota.took(n*spanCost, 0)
}

// hearLost takes those numbers that were published before a moment, in ms. It reports whether something before them never came, and when that was seen.
func hearLost(r *Record, ms int64) (at int64, missing bool) {
	for name, all := range r.buffer.lost.spans {
		n := 0
		for n < len(all) && all[n].begun < ms {
			if r.series.bridge(name, &all[n]) == skipped {
				at, missing = max(at, all[n].begun), true
			}
			n++
		}
		dropSpans(r, name, n)
	}
	return at, missing
}

// holeAmongLost takes those numbers that were published before a moment, in ms. It reports whether something before them is missing that counts, because that was
// seen at another moment or later; then it forgets what was before.
func holeAmongLost(r *Record, ms, counts int64) bool {
	at, missing := hearLost(r, ms)
	if !missing || at < counts {
		return false
	}
	r.forgetAll(time.UnixMilli(at + 1))
	return true
}

// hear takes the number of a message. Those that lost right before it count as heard.
func hear(r *Record, m *realtime.Message) verdict {
	all := r.buffer.lost.spans[m.Series]
	i, found := slices.BinarySearchFunc(all, m.Number-1, func(s span, n uint64) int { return cmp.Compare(s.last, n) })
	if !found {
		return r.series.hear(m)
	}
	v := r.series.bridge(m.Series, &all[i])
	if then := r.series.hear(m); v != skipped {
		v = then
	}
	return v
}

// bridge takes the numbers of a span.
func (s *series) bridge(name string, of *span) verdict {
	v := s.hear(&realtime.Message{Series: name, Number: of.first, Previous: of.previous, Publication: realtime.Publication{Time: time.UnixMilli(of.begun)}})
	if s.publishers[name].number < of.last {
		s.publishers[name] = sequence{of.last, of.at}
	}
	return v
}

// forgetHeard drops those numbers that are behind what their publishers have been heard to.
func forgetHeard(r *Record) {
	for name, all := range r.buffer.lost.spans {
		heard, n := r.series.publishers[name].number, 0
		for n < len(all) && all[n].last <= heard {
			n++
		}
		dropSpans(r, name, n)
	}
}

// dropSpans forgets the first spans of a publisher.
func dropSpans(r *Record, name string, n int) {
	l := &r.buffer.lost
	if n == 0 {
		return
	}
	if l.spans[name] = l.spans[name][n:]; len(l.spans[name]) == 0 {
		delete(l.spans, name)
	}
	countSpans(r, -n)
}
