package record

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What a checkpoint brings and what the log says of the same millisecond come mixed: the log decides as soon as it has come as far.
func TestCheckpointsAndTheLogShareMilliseconds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ story, want string }{
		"the log has what is older":               {"load:b a b", "b"},
		"twice, by two streams":                   {"load:b a b a b", "b"},
		"the log goes on":                         {"load:b a b c", "c"},
		"the log goes on, by two streams":         {"load:b a b c a b c", "c"},
		"cleared before":                          {"load:b a clear b", "b"},
		"cleared behind":                          {"load:b a b clear", ""},
		"cleared behind, by two streams":          {"load:b a b clear a b clear", ""},
		"over when it is loaded, older ones come": {"load:b expire a b", ""},
		"the store knows better":                  {"b a load:b", "b"},
		"though it was removed":                   {"b -a load:b", "b"},
		"the log knows what is later":             {"later load:b", "later"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTableWorld(t, 1)
			at := time.UnixMilli(1_800_000_000_000)
			for _, step := range strings.Fields(tt.story) {
				id, load := strings.CutPrefix(step, "load:")
				m := realtime.Message{Kind: realtime.KindPublication, Series: "of " + id, Number: 1, Publication: realtime.Publication{
					Channel: w.c, ID: id, Key: "k", Time: at, TTL: time.Minute, Data: []byte("1"),
				}}
				switch {
				case load:
					m.Series, m.Number = "", 0
					Load(w.table, &m, at.UnixMilli()+1)
					continue
				case step == "expire":
					w.table.Expire(at.Add(time.Hour), 10, func(Change) {})
					continue
				case step == "clear":
					m.Op, m.Key, m.Data = realtime.OpClear, "", nil
				case step == "-a":
					m.Op, m.Data = realtime.OpDelete, nil
				case step == "later":
					m.Time = at.Add(time.Second)
				}
				w.table.Apply(&m)
			}
			got := ""
			if n := w.table.keys["k"]; n != nil && n.birth != 0 {
				got = n.At.ID
			}
			if got != tt.want {
				t.Errorf("%s: it has %q, want %q", tt.story, got, tt.want)
			}
		})
	}
}

// What the store has, and the log brings at another time, since two servers have stored it or its record has moved it behind something, is the same
// and comes to readers once.
func TestTheLogBringsWhatTheStoreHas(t *testing.T) {
	t.Parallel()
	for _, later := range []time.Duration{-5 * time.Millisecond, 0, 5 * time.Millisecond} {
		w := newTableWorld(t, 1)
		m := realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{
			Channel: w.c, ID: "a", Key: "k", Time: time.UnixMilli(1_800_000_000_000), Data: []byte("1"),
		}}
		if _, is := Load(w.table, &m, 0); !is {
			t.Fatal("it is not loaded")
		}
		m.Series, m.Number, m.Time = "s", 1, m.Time.Add(later)
		if _, is := w.table.Apply(&m); is {
			t.Errorf("%v later it comes twice", later)
		}
	}
}
