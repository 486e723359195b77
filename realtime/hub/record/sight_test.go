package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What removes a key from a screen has tags of its own, or none. A reader whose filter does not show them is told the
// key and the operation alone.
func TestRemovalsAreBare(t *testing.T) {
	t.Parallel()
	for _, tags := range []map[string]string{nil, {"desk": "a"}, {"desk": "b", "note": "for b alone"}} {
		w := newTableWorld(t, 1)
		s := w.sights[1] // desk a
		reader := w.table.At()
		at := func(n int, p realtime.Publication) {
			p.Channel, p.ID, p.Key, p.Time = w.c, fmt.Sprint(n), "k", w.now.Add(time.Duration(n)*time.Second)
			w.apply(&realtime.Message{Kind: realtime.KindPublication, Publication: p})
		}
		at(1, realtime.Publication{Tags: map[string]string{"desk": "a"}, Data: []byte("1")})
		if st, ok := reader.Next(w.table, s); !ok || !st.Shown() {
			t.Fatal("the value is not shown")
		}
		reader.Next(w.table, s)
		at(2, realtime.Publication{Op: realtime.OpDelete, Tags: tags, EventType: "sold", Source: "//desks/b"})
		st, ok := reader.Next(w.table, s)
		if !ok || !st.Shown() {
			t.Fatal("the removal is not shown")
		}
		st.Show(func(p *realtime.Publication) {
			if p.Key != "k" || p.Op != realtime.OpDelete {
				t.Errorf("shown %+v", p)
			}
			if full := tags["desk"] == "a"; full != (p.EventType != "") || full != (p.Source != "") || full != (len(p.Tags) > 0) {
				t.Errorf("of a removal with tags %v is shown %+v", tags, p)
			}
		})
	}
}

// Publications without a key are in no snapshot. A reader who is given one anew is given those that it waited for before.
func TestOwedBeforeASnapshot(t *testing.T) {
	t.Parallel()
	w := newTableWorld(t, 1)
	w.table.KeepEvents(100)
	publish := func(n int, key, desk string) {
		w.apply(&realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{
			Channel: w.c, ID: fmt.Sprint(n), Key: key, Time: w.now.Add(time.Duration(n) * time.Second), Tags: map[string]string{"desk": desk}, Data: []byte("1"),
		}})
	}
	publish(1, "", "a")
	reader := w.table.At()
	publish(2, "", "a")
	publish(3, "k", "a")
	publish(4, "", "b")
	publish(5, "", "a")
	first := NewSnapshot(w.table, w.table.Position())
	first.InPlaceOf(nil, reader)
	owed := func(s *Snapshot) (ids []string) {
		for {
			st, more := s.Owed(w.table, w.sights[1])
			if !more {
				return ids
			}
			if ids = append(ids, st.At.ID); len(ids) == 1 {
				s.NotGiven() // there was no room
				if st, _ := s.Owed(w.table, w.sights[1]); st.At.ID != ids[0] {
					t.Errorf("%s after what was not given, %s", st.At.ID, ids[0])
				}
			}
		}
	}
	if ids := fmt.Sprint(owed(&first)); ids != "[2 5]" {
		t.Errorf("owed are %s", ids)
	}
	publish(6, "", "a")
	second := NewSnapshot(w.table, w.table.Position())
	second.InPlaceOf(&first, reader)
	if ids := fmt.Sprint(owed(&second)); ids != "[6]" {
		t.Errorf("owed by the second are %s", ids)
	}
}
