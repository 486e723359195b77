package outbox

import (
	"strconv"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// After a burst an outbox that is empty again holds next to nothing.
func TestOutboxLetsItsMemoryGo(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"written", "closed", "too slow"} {
		o := New(nil, &Limits{Messages: 1000, Bytes: 1 << 20})
		for i := range 3000 {
			o.Push(&Delivery{Frame: Frame{Bytes: make([]byte, 100)}, Key: strconv.Itoa(i), Policy: realtime.OverflowConflate})
			if i%10 == 0 {
				o.Control(Frame{Bytes: []byte("c")})
			}
		}
		switch end {
		case "written":
		case "closed":
			o.Close()
		case "too slow":
			if _, ok := o.Push(&Delivery{Frame: Frame{Bytes: make([]byte, 100)}, Policy: realtime.OverflowDisconnect}); ok {
				t.Fatal("it was to overflow")
			}
		}
		o.Begin()
		for len(o.Next(nil, 1<<20)) > 0 { //nolint:revive // the writer's loop
		}
		if q := o.data; cap(q.slots) > maxIdleSlots || q.latest != nil || o.dropped != nil || cap(o.control.frames) > maxIdleControl {
			t.Errorf("%s: %d slots, index %v, dropped %v, room for %d control frames", end, cap(q.slots), q.latest != nil, o.dropped, cap(o.control.frames))
		}
	}
}

// BenchmarkOutboxFull pushes into a queue that is full of n items: a push costs the same
// whatever waits, and whatever of it may not be dropped.
func BenchmarkOutboxFull(b *testing.B) {
	for _, policy := range []realtime.Overflow{realtime.OverflowDropOldest, realtime.OverflowConflate} {
		for _, n := range []int{64, 1024, 16384} {
			b.Run(string(policy)+"/"+strconv.Itoa(n), func(b *testing.B) {
				o := New(nil, &Limits{Messages: n, Bytes: 1 << 30})
				f := Frame{Bytes: make([]byte, 100)}
				for range n {
					o.Push(&Delivery{Frame: f})
				}
				keys := make([]string, 2*n)
				for i := range keys {
					keys[i] = strconv.Itoa(i)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					o.Push(&Delivery{Frame: f, Key: keys[i%len(keys)], Policy: policy})
					i++
				}
			})
		}
	}
}
