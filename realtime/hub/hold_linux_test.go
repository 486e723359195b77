package hub

import (
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tidewire/tidewire/realtime/hub/channel"
)

// threadTime is the time that the thread has had a processor (CLOCK_THREAD_CPUTIME_ID).
func threadTime() time.Duration {
	var ts syscall.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// BenchmarkLongestHold tells the longest time for which the lock of a topic of 10,000 tenants is
// held, by what happens: the least of all rounds, by the
// clock of the thread, which stands while others have the processor.
func BenchmarkLongestHold(b *testing.B) {
	for _, h := range happenings() {
		b.Run(h.name, func(b *testing.B) {
			longest := time.Hour
			for range b.N {
				topic := crowdedTopic(b, 10_000)
				runtime.GC()
				b.ResetTimer()
				topic.feed.mu.Lock()
				timed := &held{thread: threadTime}
				topic.feed.held = timed
				topic.feed.mu.Unlock()
				h.what(topic)
				topic.settled()
				longest = min(longest, timed.longest)
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest")
		})
	}
}

// BenchmarkLongestHoldOfAFanOut tells the same of a publication to a channel with 10,000 readers: in parts, and undivided.
func BenchmarkLongestHoldOfAFanOut(b *testing.B) {
	for name, part := range map[string]int{"parts": 0, "undivided": 1 << 30} {
		b.Run(name, func(b *testing.B) {
			topic := newCutTopicBench(b, part)
			read := topic.channel("acme", "read")
			for range 10_000 {
				topic.subscribe(topic.connect("acme", "ann"), read)
			}
			topic.settled()
			runtime.GC()
			longest := time.Hour
			for b.Loop() {
				timed := &held{thread: threadTime}
				topic.feed.mu.Lock()
				topic.feed.held = timed
				topic.feed.mu.Unlock()
				topic.publish(read, []byte("1"))
				for on := true; on; time.Sleep(100 * time.Microsecond) {
					topic.feed.mu.Lock()
					on = channel.OnTheirWay(topic.g.channels) > 0
					topic.feed.held = nil
					if on {
						topic.feed.held = timed
					}
					topic.feed.mu.Unlock()
				}
				longest = min(longest, timed.longest)
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest")
		})
	}
}
