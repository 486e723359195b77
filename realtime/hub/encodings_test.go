package hub

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// halves is a protocol whose frames do not hold the data as it is.
type halves struct{ plainEncoder }

func (halves) Name() string { return "halves" }

func (halves) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	return plainFrame(p.Data[:len(p.Data)/2]), nil
}

// Readers of several protocols come, go and are given replays while others publish: once the lock is released, what the records
// take with all encodings is no more than they may.
func TestEncodingsAreBounded(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 11))
			b := newTopicBench(t)
			const limit = 60_000
			b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
			names := []realtime.Channel{b.channel("acme", "c:0"), b.channel("acme", "c:1"), b.channel("acme", "c:2")}
			var readers []*Connection
			for range 1500 {
				switch n := r.IntN(100); {
				case n < 70:
					b.publish(names[r.IntN(len(names))], make([]byte, r.IntN(600)))
				case n < 90 && len(readers) < 20:
					b.encoder = []outbox.Encoder{plainEncoder{}, halves{}, wordy{}}[r.IntN(3)]
					c := b.connect("acme", "ann")
					readers = append(readers, c)
					for _, name := range names {
						since := realtime.Position{}
						if rec := b.g.channels.Get(name).Record(); rec.Len() > 0 {
							since = rec.At(r.IntN(rec.Len())).At
						}
						if err := b.hub.Subscribe(c, SubscribeRequest{Channel: name, Since: since}); err != nil {
							t.Fatal(err)
						}
					}
				case len(readers) > 0:
					i := r.IntN(len(readers))
					b.feed.remove(readers[i])
					readers = append(readers[:i], readers[i+1:]...)
				}
				if used := b.g.channels.Records().Quota("acme").Used(); used > limit {
					t.Fatalf("the records take %d bytes and may take %d", used, limit)
				}
			}
		})
	}
}

// A topic that is followed anew while a channel has as much as it may keep does not lose it when its record is made.
func TestAFullBufferBecomesTheRecord(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"the same limit": 64 << 10, "a lower one": 16 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTopicBench(t)
			b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: 64 << 10}})
			c, err := realtime.NewChannel("acme", "c:1")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 1000 {
				m := realtime.Publication{Channel: c, ID: fmt.Sprint(i), Data: make([]byte, 200), Time: b.now.Add(time.Duration(i) * time.Millisecond)}
				b.g.burst([]realtime.Message{{Kind: realtime.KindPublication, Publication: m}}, nil)
			}
			b.feed.update(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{RecordBytes: limit}})
			ch := b.g.channels.Get(c)
			ch.Record().Make(b.now.UnixMilli() + 2000)
			if used := ch.Record().Quota().Used(); ch.Record().Len() < limit/1000 || used > limit {
				t.Errorf("%d are kept, of %d bytes", ch.Record().Len(), used)
			}
		})
	}
}
