package recent

import (
	"testing"
	"time"
)

// FuzzMap compares a Map with the whole history: what must be remembered is, with its newest value, and what is
// remembered was put.
func FuzzMap(f *testing.F) {
	f.Add([]byte("abcabcdefg hijklmnop qrst abc"), uint8(3), uint8(5))
	f.Add([]byte("aaaaaaaaaa"), uint8(0), uint8(1))
	f.Add([]byte{1, 130, 2, 131, 1, 255, 3}, uint8(2), uint8(2))
	f.Fuzz(func(t *testing.T, keys []byte, half, most uint8) {
		if most == 0 {
			return
		}
		type entry struct{ value, at, since int } // since: how many were put after it
		now := time.Unix(1000, 0)
		m := New[byte, int](time.Duration(half)*time.Second, int(most), now)
		history := map[byte]*entry{}
		for i, k := range keys {
			now = now.Add(time.Duration(k>>6) * time.Second)
			if k&32 != 0 {
				m.Delete(k & 31)
				delete(history, k&31)
				continue
			}
			k &= 31
			m.Turn(now)
			m.Put(k, i)
			for _, e := range history {
				e.since++
			}
			history[k] = &entry{value: i, at: int(now.Unix())}
			if n := m.Len(); n > 2*int(most) {
				t.Fatalf("%d are kept, the bound is %d", n, 2*int(most))
			}
			for k := range byte(32) {
				v, known := m.Get(k)
				e := history[k]
				fresh := e != nil && e.since < int(most) && (half == 0 || int(now.Unix())-e.at < int(half))
				if known && (e == nil || v != e.value) || fresh && !known {
					t.Fatalf("of %d it knows %d, %t; put was %+v", k, v, known, e)
				}
			}
		}
	})
}

// What is touched now and then is remembered however much comes in between.
func TestTouchKeeps(t *testing.T) {
	t.Parallel()
	const most = 1000
	now := time.Unix(1000, 0)
	m := New[int, string](0, most, now)
	m.Put(-1, "used")
	for n := range 5 * most {
		m.Turn(now)
		m.Put(n, "other")
		if v, known := m.Touch(-1, now); n%100 == 0 && (!known || v != "used") {
			t.Fatalf("what is in use was forgotten after %d others", n)
		}
		if got := m.Len(); got > 2*most {
			t.Fatalf("%d are remembered", got)
		}
	}
	m.Delete(-1)
	if _, known := m.Touch(-1, now); known {
		t.Error("what was deleted is still remembered")
	}
}
