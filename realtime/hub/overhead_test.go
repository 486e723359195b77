package hub

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/recent"
)

// TestRecordsSayWhatTheyTake compares what the records say they use with what the process takes for them,
// for few channels and many, small events and large, read or not. Records that took much more than they say
// would not be bounded by limits.recordBytes.
func TestRecordsSayWhatTheyTake(t *testing.T) {
	for _, size := range []struct {
		channels, events, bytes int
	}{{4000, 1, 20}, {4000, 1, 200}, {1000, 5, 20}, {400, 20, 100}, {20, 500, 50}, {4, 500, 1000}, {1, 2000, 200}} {
		for _, state := range []string{"stands", "is read", "is put aside"} {
			for _, tags := range []int{0, 10} {
				if state == "is read" && size.channels > 400 {
					continue // that many subscriptions of one connection take long
				}
				t.Run(fmt.Sprintf("%d channels of %d events of %d bytes and %d tags, %s", size.channels, size.events, size.bytes, tags, state), func(t *testing.T) {
					b := newTopicBench(t)
					b.encoder = wordy{}
					b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: 1 << 30, SubscriptionsPerConnection: size.channels}, Namespaces: map[string]realtime.Namespace{"*": {Window: 20_000, WindowFor: realtime.Duration(10 * time.Minute)}}})
					channels := make([]realtime.Channel, size.channels)
					series := make([]string, size.channels)
					reader := b.connect("acme", "ann")
					before := inUse()
					for i := range channels {
						name, err := realtime.NewChannel("acme", fmt.Sprintf("c:%d", i))
						if err != nil {
							t.Fatal(err)
						}
						channels[i], series[i] = name, fmt.Sprintf("series%012d", i)
						if state == "is read" {
							b.channel("acme", name.Name())
							b.subscribe(reader, name)
						}
					}
					for i, name := range channels {
						ch := b.g.channels.Open(name)
						if state == "stands" {
							ch.Record().Make(b.now.UnixMilli())
						}
						for j := range size.events {
							// As it comes from a broker: each message has strings and bytes of its own.
							m := &realtime.Message{
								Kind: realtime.KindPublication,
								Publication: realtime.Publication{Channel: name, ID: fmt.Sprintf("id%020d", j), Key: strings.Repeat("k", 8), Data: make([]byte, size.bytes),
									Time: b.now.Add(time.Duration(j) * time.Millisecond)},
								Series: series[i], Number: uint64(j + 1),
							}
							for n := range tags {
								if m.Tags == nil {
									m.Tags = map[string]string{}
								}
								m.Tags[fmt.Sprintf("name%d", n)] = fmt.Sprintf("value%08d", j)
							}
							b.feed.lock()
							ch.Take(m, b.g.seen.Repeated(m.Channel.Tenant(), m.Channel.Name(), m.ID), b.now)
							b.feed.unlock()
						}
					}
					b.g.seen = recent.NewIDs(time.Minute, b.now) // it has a bound of its own
					taken, said := inUse()-before, b.g.channels.Records().Quota("acme").Used()
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
}

// wordy makes frames as long as those of the socket protocol: what is around the data, and the tags.
type wordy struct{ plainEncoder }

func (wordy) Name() string { return "wordy" }

func (wordy) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	f := outbox.Frame{Bytes: make([]byte, 0, 150+len(p.Data)+30*len(p.Tags))}
	f.Bytes = outbox.AppendFrameHeader(f.Bytes, 0x81, cap(f.Bytes)-4)
	f.Bytes = f.Bytes[:cap(f.Bytes)]
	data := f.Bytes[len(f.Bytes)-len(p.Data):]
	copy(data, p.Data)
	return f, data
}

// inUse is what is reachable, in bytes.
func inUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
