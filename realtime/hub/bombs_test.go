package hub_test

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// bombs says what is to panic, by name; each panics as often as it says.
type bombs struct {
	mu    sync.Mutex
	left  map[string]int
	count map[string]int // CountPanics by reason
}

func (b *bombs) set(name string, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left[name] = times
}

func (b *bombs) pass(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left[name] > 0 {
		b.left[name]--
		panic("bomb: " + name)
	}
}

func (b *bombs) panics() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]int{}
	for reason, n := range b.count {
		all[reason] = n
	}
	return all
}

// bombEncoder, bombMetrics, bombBroker, bombStream and bombPage are what a Hub is given.
type bombEncoder struct {
	wire.Encoder
	*bombs
}

func (b *bombs) payload(data []byte) ([]byte, error) {
	b.pass("payload")
	return wire.Compact(data)
}

func (e bombEncoder) Subscribed(id string, c realtime.Channel, a outbox.Answer) outbox.Frame {
	e.pass("answer")
	return e.Encoder.Subscribed(id, c, a)
}

func (e bombEncoder) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	e.pass("message")
	if p.ID == "poison" {
		panic("poison")
	}
	return e.Encoder.Message(p)
}

func (e bombEncoder) Direct(p *realtime.Publication) outbox.Frame {
	e.pass("direct")
	return e.Encoder.Direct(p)
}

func (e bombEncoder) Gap(c realtime.Channel, at realtime.Position) outbox.Frame {
	e.pass("gap")
	return e.Encoder.Gap(c, at)
}

func (e bombEncoder) Presence(c realtime.Channel, p *outbox.Presence) outbox.Frame {
	e.pass("presence")
	return e.Encoder.Presence(c, p)
}

func (e bombEncoder) Heartbeat(asOf realtime.Position) outbox.Frame {
	e.pass("heartbeat")
	return e.Encoder.Heartbeat(asOf)
}

func (e bombEncoder) Closing(err *realtime.Error) outbox.Frame {
	e.pass("closing")
	return e.Encoder.Closing(err)
}

type bombMetrics struct {
	realtime.NoMetrics
	*bombs
}

func (m bombMetrics) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	if c == realtime.CountPanics {
		m.mu.Lock()
		m.count[string(reason)] += n
		m.mu.Unlock()
		return
	}
	m.pass("add")
	m.pass("add " + string(c))
}
func (m bombMetrics) Level(realtime.Gauge, string, int)           { m.pass("level") }
func (m bombMetrics) Took(realtime.Timing, string, time.Duration) { m.pass("took") }

type bombBroker struct {
	realtime.Broker
	*bombs
}

func (b bombBroker) Publish(ctx context.Context, t realtime.Topic, m *realtime.Message, done func(error)) {
	if m.Kind != realtime.KindPublication {
		b.pass("publish")
	}
	b.Broker.Publish(ctx, t, m, done)
	if m.Kind != realtime.KindPublication {
		b.pass("published")
	}
}

func (b bombBroker) Follow(ctx context.Context, t realtime.Topic, o realtime.Following) (realtime.Stream, error) {
	b.pass("follow")
	s, err := b.Broker.Follow(ctx, t, o)
	if err != nil {
		return nil, err
	}
	return bombStream{s, b.bombs}, nil
}

type bombStream struct {
	realtime.Stream
	*bombs
}

func (s bombStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	messages, err := s.Stream.Receive(ctx)
	s.pass("receive")
	return messages, err
}

func (s bombStream) CompleteSince() time.Time {
	s.pass("complete")
	return s.Stream.CompleteSince()
}

func (s bombStream) Close(ctx context.Context) error {
	defer s.pass("close")
	return s.Stream.Close(ctx)
}

type bombPage struct {
	*page
	*bombs
	armed *atomic.Bool
}

func (p bombPage) trip(name string) {
	if p.armed.Load() {
		p.pass(name)
	}
}

func (p bombPage) Flush() {
	p.trip("flush")
	p.page.Flush()
}

func (p bombPage) Beat(now time.Time) bool {
	p.trip("beat")
	return p.page.Beat(now)
}

func (p bombPage) Shut(err *realtime.Error) {
	p.page.Shut(err)
	p.trip("shut")
}

type bombTracer struct{ *bombs }

func (bombTracer) Publishing(context.Context, string, []realtime.Publication) (string, func(error)) {
	return "trace", nil
}
func (b bombTracer) Delivered(string, realtime.Delivered) { b.pass("tracer") }
