package realtime

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestRecordsSayWhatTheyTake compares what the records say they use with what the process takes for them,
// for few channels and many, small events and large, read or not. Records that took much more than they say
// would not be bounded by limits.recordBytes.
func TestRecordsSayWhatTheyTake(t *testing.T) {
	for _, size := range []struct {
		channels, events, bytes int
	}{{20_000, 1, 20}, {20_000, 1, 200}, {5000, 5, 20}, {2000, 20, 100}, {100, 500, 50}, {10, 1000, 1000}, {1, 10_000, 200}} {
		for _, stands := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d channels of %d events of %d bytes, stands=%v", size.channels, size.events, size.bytes, stands), func(t *testing.T) {
				b := newTopicBench(t)
				b.serve(&Tenant{ID: "acme", Limits: Limits{RecordBytes: 1 << 30}, Namespaces: map[string]Namespace{"*": {Window: 20_000, WindowFor: Duration(10 * time.Minute)}}})
				before := inUse()
				for i := range size.channels {
					name, err := NewChannel("acme", fmt.Sprintf("c:%d", i))
					if err != nil {
						t.Fatal(err)
					}
					ch := b.g.channel(name)
					if stands {
						ch.stand(b.now.UnixMilli())
					}
					series := fmt.Sprintf("series%012d", i)
					for j := range size.events {
						// As it comes from a broker: each message has strings and bytes of its own.
						ch.publication(&Message{
							Kind: KindPublication,
							Publication: Publication{Channel: name, ID: fmt.Sprintf("id%020d", j), Key: strings.Repeat("k", 8), Data: make([]byte, size.bytes),
								Time: b.now.Add(time.Duration(j) * time.Millisecond)},
							Series: series, Number: uint64(j + 1),
						}, b.now)
					}
				}
				b.g.seen = newSeen(time.Minute, b.now) // it has a bound of its own
				taken, said := inUse()-before, b.g.quotas["acme"].used
				runtime.KeepAlive(b)
				ratio := float64(said) / float64(taken)
				t.Logf("said %d KiB, taken %d KiB: %.2f", said>>10, taken>>10, ratio)
				if ratio < 0.8 || ratio > 2 {
					t.Errorf("the records say %d bytes and take %d: %.2f, want 0.8 to 2", said, taken, ratio)
				}
			})
		}
	}
}

// inUse is what is reachable, in bytes.
func inUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
