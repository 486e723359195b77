package record

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// largeTable returns a Table of so many keys.
func largeTable(b *testing.B, keys int, ttl time.Duration) (*Table, time.Time) {
	b.Helper()
	c, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		b.Fatal(err)
	}
	t, now := NewTable(c, realtime.State{Keys: keys, Bytes: 1 << 30}, TableOptions{}), time.UnixMilli(1_800_000_000_000)
	for i := range keys {
		t.Apply(&realtime.Message{Publication: realtime.Publication{
			Channel: c, ID: fmt.Sprint("id", i), Key: fmt.Sprint("key", i), Time: now, TTL: ttl, Data: []byte("1234567890"), Tags: map[string]string{"desk": "a"},
		}})
	}
	return t, now
}

// BenchmarkHolds tells how long those steps take of a Table of 100,000 keys that cannot be split: a lock is held meanwhile.
func BenchmarkHolds(b *testing.B) {
	const keys = 100_000
	b.Run("clear", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			t, now := largeTable(b, keys, 0)
			b.StartTimer()
			t.Apply(&realtime.Message{Publication: realtime.Publication{Channel: t.name, ID: "clear", Op: realtime.OpClear, Time: now.Add(time.Second)}})
		}
	})
	b.Run("resume", func(b *testing.B) {
		t, now := largeTable(b, keys, 0)
		sight := &Sight{}
		for b.Loop() {
			c, ok := t.Resume(now.UnixMilli()+1, nil)
			for more := ok; more; {
				_, more = c.Next(t, sight)
			}
		}
	})
	b.Run("expire of 256", func(b *testing.B) {
		t, now := largeTable(b, keys, time.Second)
		for b.Loop() {
			if t.Expire(now.Add(time.Hour), 256, func(Change) {}) == 0 {
				b.StopTimer()
				t, now = largeTable(b, keys, time.Second)
				b.StartTimer()
			}
		}
	})
	b.Run("compare of 2000", func(b *testing.B) {
		t, _ := largeTable(b, 2000, 0)
		old, v := viewOf(b, "a"), viewOf(b, "b")
		for b.Loop() {
			Compare(t, old, v, func(Step) bool { return true })
		}
	})
	b.Run("part of a snapshot", func(b *testing.B) {
		t, _ := largeTable(b, keys, 0)
		sight := &Sight{View: viewOf(b, "b")}
		for b.Loop() {
			s := NewSnapshot(t, t.Position())
			s.Part(t, sight, func(string, *Pass) bool { return true })
		}
	})
}
