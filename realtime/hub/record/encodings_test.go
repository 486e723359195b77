package record

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Entries come, go and are encoded by several protocols: what the records say that they
// use is what their entries hold, and once all is fitted no more than they may.
func TestEncodingsCount(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 11))
			const limit = 60_000
			s := newShelf(t, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
			records := []*Record{s.made("c:0"), s.made("c:1"), s.made("c:2")}
			protocols := []*protocol.Protocol{speak(plain{}), speak(halves{}), speak(broken{})}
			for i := range 5000 {
				rec := records[r.IntN(len(records))]
				if r.IntN(100) < 40 {
					s.now = s.now.Add(time.Millisecond)
					rec.Append(&realtime.Message{Publication: realtime.Publication{ID: fmt.Sprint(i), Data: make([]byte, r.IntN(600)), Time: s.now}}, s.now)
				} else if rec.Len() > 0 {
					if f := frameOf(rec, rec.At(r.IntN(rec.Len())), protocols[r.IntN(len(protocols))], true); f.IsZero() {
						t.Fatal("no frame")
					}
				}
				s.set.FitGrown()
				held := 0
				for _, rec := range records {
					held += heldBy(rec)
				}
				if q := s.set.Quota("acme"); q.used != held || q.used > limit {
					t.Fatalf("the records say %d bytes, hold %d and may use %d", q.used, held, limit)
				}
			}
			if s.lost == 0 || s.evicted["memory"] == 0 {
				t.Error("too little happened")
			}
		})
	}
}

// heldBy is what a record takes by a look at all that it holds.
func heldBy(r *Record) int {
	held := cost(r.name)
	for i := range r.Len() {
		e := r.At(i)
		held += entryOverhead + len(e.At.ID) + len(e.Key) + len(e.packed) + len(e.first.frame.Bytes)
		for more := e.more; more != nil; more = more.next {
			held += encodingOverhead + len(more.frame.Bytes)
		}
		if first := e.first.frame.Bytes; len(first) == 0 || !sharesMemory(e.data, first) {
			held += cap(e.data)
		}
	}
	return held
}

// sharesMemory reports whether part is a part of whole.
func sharesMemory(part, whole []byte) bool {
	for i := range whole {
		if len(part) > 0 && &part[0] == &whole[i] {
			return true
		}
	}
	return false
}

// A protocol encodes an entry once, however often it is asked for, and what it cannot put is a gap.
func TestFrames(t *testing.T) {
	t.Parallel()
	s := newShelf(t, &realtime.Tenant{ID: "acme"})
	r := s.made("c:0")
	r.Append(&realtime.Message{Publication: realtime.Publication{ID: "1", Data: []byte("odd"), Time: s.now}}, s.now)
	one, other := speak(plain{}), speak(broken{})
	e := r.At(0)
	if got := string(frameOf(r, e, one, true).Payload()); got != "odd" {
		t.Errorf("got %q", got)
	}
	if a, b := frameOf(r, e, one, true).Bytes, frameOf(r, e, one, true).Bytes; &a[0] != &b[0] {
		t.Error("it was encoded twice")
	}
	if got := string(frameOf(r, e, other, true).Payload()); got != "gap" || s.lost != 1 {
		t.Errorf("got %q, lost %d; want a gap", got, s.lost)
	}
	if frameOf(r, e, other, true); s.lost != 1 {
		t.Error("it was tried again")
	}
	before := r.Quota().Used()
	apart := *e // as it is held back for a tick, and evicted meanwhile
	if got := string(frameOf(r, &apart, speak(halves{}), false).Payload()); got != "o" || r.Quota().Used() != before {
		t.Errorf("got %q, %d bytes more", got, r.Quota().Used()-before)
	}
}

// frameOf is what those who are shown everything are given of an entry.
func frameOf(r *Record, e *Entry, p *protocol.Protocol, kept bool) outbox.Frame {
	pass := r.Visible(e, nil, kept)
	return pass.In(p)
}
