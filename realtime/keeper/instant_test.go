package keeper_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/keeper"
)

// single is a reader that is brought messages one by one, and a writer of which only some changes are stored for as long as it fails.
type single struct {
	realtime.DurableReader
	realtime.StateWriter
	stores func(*realtime.StateChange) bool // nil: it does not fail
}

func (s *single) Read(ctx context.Context, topic realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	stream, err := s.DurableReader.Read(ctx, topic, r)
	return &singleStream{DurableStream: stream}, err
}

type singleStream struct {
	realtime.DurableStream
	queue []realtime.Message
}

func (s *singleStream) Receive(ctx context.Context) (batch []realtime.Message, err error) {
	if len(s.queue) == 0 {
		if s.queue, err = s.DurableStream.Receive(ctx); err != nil {
			return nil, err
		}
		s.queue = slices.Clone(s.queue)
	}
	batch, s.queue = s.queue[:1:1], s.queue[1:]
	return batch, nil
}

func (s *single) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) error {
	if s.stores == nil {
		return s.StateWriter.Save(ctx, topic, keeper, changes, mark)
	}
	changes = slices.DeleteFunc(slices.Clone(changes), func(c realtime.StateChange) bool { return !s.stores(&c) })
	return errors.Join(s.StateWriter.Save(ctx, topic, keeper, changes, nil), errors.New("some of it was stored"))
}

// What was published in the millisecond of a clear, before it, is gone, also if a keeper has died with the clear stored, and the next one saves what comes again bit by bit.
func TestClearedInItsMillisecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, stateful("acme", "fleet"))
		c := b.channel("acme", "fleet:eu")
		for range 2 {
			b.run()
			time.Sleep(time.Minute)
		}
		b.set("tw-acme", c, "before", "1")
		b.broker.Publish(t.Context(), "tw-acme", &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "clear", Op: realtime.OpClear}}, func(error) {})
		b.set("tw-acme", c, "after", "2")
		s := &single{DurableReader: b.broker, StateWriter: b.store, stores: func(c *realtime.StateChange) bool { return c.Op == realtime.OpClear }}
		o := keeper.Options{Broker: b.broker, Reader: s, Tenants: b.tenants, States: s, Placement: realtime.Placed(1)}
		b.keeper = keeper.New(o)
		b.run()
		s.stores, o.Bytes = nil, 1
		b.keeper = keeper.New(o)
		time.Sleep(5 * time.Minute)
		b.run()
		b.holds("tw-acme", c, "after=2")
	})
}
