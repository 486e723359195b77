package hub

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Whatever the tags are, an Encoder is shown those that were published.
func TestTagsArePacked(t *testing.T) {
	t.Parallel()
	var s scratch
	name, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		t.Fatal(err)
	}
	for _, tags := range []map[string]string{
		nil, {"a": "1"}, {"a": ""}, {"a": "", "b": "", "c": "x"}, {"region": "eu", "desk": "spot fx", "ü": "ö=\"1\""},
		{strings.Repeat("n", realtime.MaxTagBytes): strings.Repeat("v", realtime.MaxTagBytes)},
	} {
		e := newEntry(&realtime.Message{Publication: realtime.Publication{Channel: name, ID: "e1", Tags: tags}})
		if got := s.of(name, &e).Tags; !maps.Equal(got, tags) {
			t.Errorf("got %v, want %v", got, tags)
		}
		s.done()
	}
}

// halves is a protocol whose frames do not hold the data as it is.
type halves struct{ plainEncoder }

func (halves) Name() string { return "halves" }

func (halves) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	return plainFrame(p.Data[:len(p.Data)/2]), nil
}

// Readers of several protocols come, go and are given replays while others publish: what the records say that they
// use is what their entries hold, and once the lock is released no more than they may.
func TestEncodingsCount(t *testing.T) {
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
						if rec := &b.g.channels[name].rec; rec.len() > 0 {
							since = rec.at(r.IntN(rec.len())).at
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
				b.feed.lock()
				q := b.g.quotas["acme"]
				held := 0
				for _, ch := range b.g.all {
					held += ch.cost()
					for i := range ch.rec.len() {
						e := ch.rec.at(i)
						held += entryOverhead + len(e.at.ID) + len(e.key) + len(e.tags) + len(e.first.frame.Bytes)
						for more := e.more; more != nil; more = more.next {
							held += encodingOverhead + len(more.frame.Bytes)
						}
						if first := e.first.frame.Bytes; len(first) == 0 || !sharesMemory(e.data, first) {
							held += cap(e.data)
						}
					}
				}
				if q.used != held || q.used > limit {
					t.Fatalf("the records say %d bytes, hold %d and may use %d", q.used, held, limit)
				}
				b.feed.unlock()
			}
		})
	}
}

// sharesMemory reports whether part is a part of whole.
func sharesMemory(part, whole []byte) bool {
	for i := range whole {
		if len(part) > 0 && &part[0] == &whole[i] {
			return true
		}
	}
	return false
}
