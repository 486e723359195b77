package hub_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// BenchmarkNoisy publishes an event of a quiet tenant now and then, beside so many others, each of which always has some events under way
// to 500 readers: more than the processors can write. us/p50 and us/p99 are from the publish of the quiet one's until its reader has it;
// deliveries/s are those of the others.
func BenchmarkNoisy(b *testing.B) {
	for _, others := range []int{0, 1, 4} {
		b.Run(fmt.Sprint(others), func(b *testing.B) {
			w := newBeside(b)
			var quiet atomic.Int64
			one := w.readSlowly(w.tenant, 1, &quiet)
			ctx, stop := context.WithCancel(context.Background())
			var noise sync.WaitGroup
			var busy [4]atomic.Int64
			for i := range others {
				loud := &realtime.Tenant{ID: fmt.Sprint("loud", i)}
				crowd := w.readSlowly(loud, noisyReaders, &busy[i])
				busy[i].Store(0)
				noise.Go(func() { w.floods(ctx, loud, crowd, &busy[i]) })
			}
			quiet.Store(0)
			var waits []time.Duration
			b.ResetTimer()
			for i := range b.N {
				time.Sleep(2 * time.Millisecond)
				began := time.Now()
				w.publish(one)
				for quiet.Load() <= int64(i) {
					time.Sleep(20 * time.Microsecond)
				}
				waits = append(waits, time.Since(began))
			}
			b.StopTimer()
			delivered := int64(0)
			for i := range busy {
				delivered += busy[i].Load()
			}
			stop()
			noise.Wait()
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "us/p50")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "us/p99")
			b.ReportMetric(float64(delivered)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

const (
	noisyReaders = 500
	noisyEvents  = 5 // under way
)

// floods publishes as fast as the readers are written to.
func (w *beside) floods(ctx context.Context, t *realtime.Tenant, c realtime.Channel, taken *atomic.Int64) {
	for sent := int64(0); ctx.Err() == nil; {
		if sent*noisyReaders-taken.Load() > noisyEvents*noisyReaders {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		if err := w.pub.Publish(ctx, t, []realtime.Publication{{Channel: c, Data: []byte(`{"bid":1.08421}`)}}); err != nil && ctx.Err() == nil {
			w.b.Error(err)
			return
		}
		sent++
	}
}

// readSlowly lets as many connections of a tenant read a channel, each write to which takes as long as one to a socket does about.
func (w *beside) readSlowly(t *realtime.Tenant, readers int, taken *atomic.Int64) realtime.Channel {
	c, err := realtime.NewChannel(t.ID, "crowd:1")
	if err != nil {
		w.b.Fatal(err)
	}
	for range readers {
		box := outbox.New(wire.Encoder{}, nil)
		conn, err := w.hub.Connect(t, &realtime.Principal{
			Tenant: t.ID, User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
		}, box, &spinner{box: box, taken: taken})
		if err != nil {
			w.b.Fatal(err)
		}
		if err := w.hub.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: c}); err != nil {
			w.b.Fatal(err)
		}
	}
	for taken.Load() < int64(readers) {
		time.Sleep(time.Millisecond) // until all are answered
	}
	return c
}

// spinner is a transport that computes for some microseconds instead of writing.
type spinner struct {
	box   *outbox.Outbox
	taken *atomic.Int64
	sum   atomic.Uint64
}

func (s *spinner) Flush() {
	if !s.box.Begin() {
		return
	}
	for frames := s.box.Next(nil, 1<<16); len(frames) > 0; frames = s.box.Next(nil, 1<<16) {
		sum := s.sum.Load()
		for range 4000 {
			sum = sum*6364136223846793005 + 1
		}
		s.sum.Store(sum)
		s.taken.Add(int64(len(frames)))
	}
}

func (s *spinner) Beat(time.Time) bool  { return true }
func (s *spinner) Shut(*realtime.Error) {}
