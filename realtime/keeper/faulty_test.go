package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// faultyTopic is a topic that is read durably by a broker that misbehaves as it may: channels overtake each other, streams are cut, messages
// come again long after they were acknowledged, and what a dead stream had comes late.
type faultyTopic struct {
	realtime.Broker // of what nobody calls

	pace realtime.DurablePace

	mu    sync.Mutex // guards what follows
	rand  *rand.Rand
	lanes map[string]*lane
	log   []*logged // in the order of publishing
	cuts  float64   // chance that a Receive is cut
	again float64   // chance that something is brought again
}

// lane is a channel, or what has none. All of before first is acknowledged.
type lane struct {
	all   []*logged
	first int
}

// logged is a message and what has become of it.
type logged struct {
	message realtime.Message
	visible time.Time
	holder  *faultyStream
	until   time.Time // when it is no longer held
	acked   bool
}

func newFaultyTopic(r *rand.Rand, pace realtime.DurablePace) *faultyTopic {
	return &faultyTopic{rand: r, pace: pace, lanes: map[string]*lane{}}
}

// store appends a message and returns it as stored.
func (f *faultyTopic) store(m realtime.Message) realtime.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.Time = time.UnixMilli(time.Now().UnixMilli())
	name := m.Channel.Name()
	l := f.lanes[name]
	if l == nil {
		l = &lane{}
		f.lanes[name] = l
	}
	visible := time.Now().Add(time.Duration(f.rand.Int64N(int64(f.pace.Quiet) * 9 / 10)))
	if n := len(l.all); n > 0 && l.all[n-1].visible.After(visible) {
		visible = l.all[n-1].visible
	}
	one := &logged{message: m, visible: visible}
	l.all = append(l.all, one)
	f.log = append(f.log, one)
	return m
}

func (f *faultyTopic) Publish(_ context.Context, _ realtime.Topic, m *realtime.Message, done func(error)) {
	f.store(*m)
	done(nil)
}

func (f *faultyTopic) DurablePace() realtime.DurablePace { return f.pace }

func (f *faultyTopic) EndReading(context.Context, realtime.Topic, string) error { return nil }

func (f *faultyTopic) Read(_ context.Context, _ realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &faultyStream{topic: f}
	if r.Back {
		s.from = time.Now().Add(-10 * time.Minute)
		for _, one := range f.log {
			if one.message.Time.After(s.from) {
				one.acked, one.holder = false, nil
				// It is seen everywhere after a while.
				one.visible = time.Now().Add(time.Duration(f.rand.Int64N(int64(f.pace.Settle))))
			}
		}
		for _, l := range f.lanes {
			l.first = 0
			for i := 1; i < len(l.all); i++ {
				if l.all[i].visible.Before(l.all[i-1].visible) {
					l.all[i].visible = l.all[i-1].visible
				}
			}
		}
	}
	return s, nil
}

// faultyStream is one reader's view.
type faultyStream struct {
	topic  *faultyTopic
	from   time.Time
	held   []*logged // what Receive has returned
	closed bool
}

func (s *faultyStream) From() time.Time { return s.from }

func (s *faultyStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch, err := s.receive()
		if err != nil || len(batch) > 0 {
			return batch, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (s *faultyStream) receive() (batch []realtime.Message, err error) {
	f := s.topic
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.closed {
		return nil, errors.New("the stream is closed")
	}
	now := time.Now()
	cut := f.rand.Float64() < f.cuts
	for _, l := range f.lanes {
		if f.rand.Float64() < f.again && len(l.all) > 0 { // and all later ones of the channel that have come
			from := f.rand.IntN(len(l.all))
			for _, one := range l.all[from:] {
				if !one.acked {
					break
				}
				batch = append(batch, one.message)
			}
		}
		most := 1 + f.rand.IntN(20)
		for l.first < len(l.all) && l.all[l.first].acked {
			l.first++
		}
		for _, one := range l.all[l.first:] {
			if one.acked || one.holder == s {
				continue
			}
			if one.visible.After(now) || one.holder != nil && one.until.After(now) || most == 0 {
				break
			}
			most--
			one.holder, one.until = s, now.Add(f.pace.Redelivery)
			if cut { // it was on the way
				one.holder = &faultyStream{}
				continue
			}
			s.held = append(s.held, one)
			batch = append(batch, one.message)
		}
	}
	if cut {
		return nil, fmt.Errorf("on purpose: %w", realtime.ErrBroken)
	}
	return batch, nil
}

func (s *faultyStream) Ack(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	for _, one := range s.held {
		if one.holder == s && one.until.After(time.Now()) {
			one.acked = true
		}
	}
	s.held = nil
	return nil
}

func (s *faultyStream) Close(context.Context) error {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	s.closed = true
	for _, one := range s.held {
		if one.holder == s {
			one.holder = nil
		}
	}
	return nil
}

// mortal is what a keeper reads from and writes to until it dies, with one of its calls: before it had its effect, or after.
type mortal struct {
	realtime.DurableReader
	realtime.StateWriter

	mu    sync.Mutex // guards what follows
	rand  *rand.Rand
	calls int // left until it dies; negative lives for ever
	dead  bool
	fails float64 // chance that a Save fails in parts
}

var errDead = errors.New("the process is dead")

// call reports whether a call has an effect, and whether its answer is heard.
func (m *mortal) call() (effect, heard bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return false, false
	}
	if m.calls--; m.calls == 0 {
		m.dead = true
		return m.rand.IntN(2) == 0, false
	}
	return true, true
}

func (m *mortal) answer(err error, heard bool) error {
	if !heard {
		return errDead
	}
	return err
}

func (m *mortal) Claim(ctx context.Context, topic realtime.Topic, keeper string, until time.Time) (mark *realtime.StateMark, err error) {
	effect, heard := m.call()
	if effect {
		mark, err = m.StateWriter.Claim(ctx, topic, keeper, until)
	}
	return mark, m.answer(err, heard)
}

func (m *mortal) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) (err error) {
	effect, heard := m.call()
	m.mu.Lock()
	partly := m.rand.Float64() < m.fails || effect && !heard && m.rand.IntN(2) == 0
	n := m.rand.IntN(len(changes) + 1)
	m.mu.Unlock()
	switch {
	case !effect:
	case partly:
		if err = m.StateWriter.Save(ctx, topic, keeper, changes[:n], nil); err == nil {
			err = errors.New("some of it was stored")
		}
	default:
		err = m.StateWriter.Save(ctx, topic, keeper, changes, mark)
	}
	return m.answer(err, heard)
}

func (m *mortal) Read(ctx context.Context, topic realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	effect, heard := m.call()
	if !effect {
		return nil, errDead
	}
	s, err := m.DurableReader.Read(ctx, topic, r)
	if err != nil || !heard {
		return nil, m.answer(err, heard)
	}
	return &mortalStream{s, m}, nil
}

// mortalStream dies with its reader.
type mortalStream struct {
	realtime.DurableStream
	m *mortal
}

func (s *mortalStream) Receive(ctx context.Context) (batch []realtime.Message, err error) {
	effect, heard := s.m.call()
	if effect {
		batch, err = s.DurableStream.Receive(ctx)
	}
	return batch, s.m.answer(err, heard)
}

func (s *mortalStream) Ack(ctx context.Context) (err error) {
	effect, heard := s.m.call()
	if effect {
		err = s.DurableStream.Ack(ctx)
	}
	return s.m.answer(err, heard)
}

func (s *mortalStream) Close(ctx context.Context) (err error) {
	effect, heard := s.m.call()
	if effect {
		err = s.DurableStream.Close(ctx)
	}
	return s.m.answer(err, heard)
}
