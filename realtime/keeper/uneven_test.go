package keeper_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/keeper"
)

// uneven is a reader that is brought one channel behind all that was published to the others meanwhile, message by message.
type uneven struct {
	realtime.DurableReader
	late realtime.Channel
}

func (u uneven) Read(ctx context.Context, topic realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	s, err := u.DurableReader.Read(ctx, topic, r)
	return &unevenStream{DurableStream: s, late: u.late}, err
}

type unevenStream struct {
	realtime.DurableStream
	late  realtime.Channel
	queue [][]realtime.Message // nil: nothing was received yet
}

func (s *unevenStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	if s.queue == nil {
		if err := s.fill(ctx); err != nil {
			return nil, err
		}
	}
	if len(s.queue) == 0 {
		return s.DurableStream.Receive(ctx)
	}
	batch := s.queue[0]
	s.queue = s.queue[1:]
	return batch, nil
}

// fill receives up to a marker.
func (s *unevenStream) fill(ctx context.Context) error {
	var first, last []realtime.Message
	s.queue = [][]realtime.Message{}
	for {
		batch, err := s.DurableStream.Receive(ctx)
		if err != nil {
			return err
		}
		for _, m := range batch {
			switch {
			case m.Channel == s.late:
				s.queue = append(s.queue, []realtime.Message{m})
			case m.Kind == realtime.KindPulse:
				last = append(last, m)
			default:
				first = append(first, m)
			}
		}
		if len(last) > 0 {
			s.queue = append(slices.Insert(s.queue, 0, first), last)
			return nil
		}
	}
}

// A keeper that reads one channel long behind the others knows what it has folded of it lately all the same: what a publisher has published again
// does not take the place of what came between.
func TestRepetitionsOfAChannelThatIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		eu, us := b.channel("acme", "fleet:eu"), b.channel("acme", "fleet:us")
		again := func(id, value string) {
			m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: us, ID: id, Key: "d", Data: []byte(value)}}
			b.broker.Publish(t.Context(), "tw-acme", m, func(error) {})
		}
		for range 2 {
			b.run()
			time.Sleep(time.Minute)
		}
		again("first", "1")
		time.Sleep(10 * time.Second)
		again("second", "2")
		time.Sleep(30 * time.Second)
		again("first", "1")
		for i := range 300 {
			b.set("tw-acme", eu, fmt.Sprint(i), "1")
			time.Sleep(time.Second)
		}
		b.keeper = keeper.New(keeper.Options{
			Broker: b.broker, Reader: uneven{b.broker, us}, Tenants: b.tenants, States: b.store, Placement: realtime.Placed(1),
			Bytes: 1, // it saves after each batch
		})
		b.run()
		page, err := b.store.Checkpoint(t.Context(), "tw-acme", us)
		if err != nil || page.Watermark.IsZero() || len(page.Entries) != 1 || string(page.Entries[0].Data) != "2" {
			t.Errorf("the channel has %+v, %v; want d=2", page, err)
		}
	})
}
