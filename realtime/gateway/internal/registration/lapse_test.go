package registration

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Whoever renews a lease that had ended is told so, once each time: others may have taken the instance for dead, and ended what it held. A lease that
// is renewed in time, however late, has not ended.
func TestOnLapse(t *testing.T) {
	t.Parallel()
	withWriter(t, func(t *testing.T, w *Writer, l *fakeRegistry) {
		var lapses atomic.Int64
		w.OnLapse(func() { lapses.Add(1) })
		expect := func(when string, want int64) {
			t.Helper()
			if n := lapses.Load(); n != want {
				t.Errorf("%s: told %d times, want %d", when, n, want)
			}
		}
		down := func(d time.Duration) {
			l.set(true)
			pass(d)
			l.set(false)
		}
		if err := w.Add(doc("a")); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		expect("while it is renewed", 0)
		down(leaseFor - leaseEvery - 2*time.Second)
		pass(time.Minute)
		expect("after an outage that it outlived", 0)
		l.set(true)
		pass(2 * leaseFor)
		expect("while the registry is down", 0)
		l.set(false)
		pass(time.Minute)
		expect("when it was renewed after its end", 1)
		down(2 * leaseFor)
		pass(time.Minute)
		expect("the second time", 2)

		// An instance that had no connection for a while has given its lease up: whatever it held is over for others as well.
		w.Remove(realtime.ConnectionRef{Tenant: "acme", ID: "a"})
		pass(time.Minute)
		expect("without connections", 2)
		if err := w.Add(doc("b")); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		expect("when somebody comes after that", 3)
		l.mu.Lock()
		l.released = 0 // withWriter expects one at the end
		l.mu.Unlock()
	})
}
