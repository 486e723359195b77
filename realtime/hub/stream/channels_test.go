package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/pace"
	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// model is an owner of some channels, and a broker whose calls fail, hang and panic.
type model struct {
	t       *testing.T
	mu      sync.Mutex // guards all below
	rand    *rand.Rand
	calm    bool
	running sync.WaitGroup

	wanted map[realtime.Channel]bool
	ready  map[realtime.Channel]bool   // wanted, and told to be added since
	adds   map[realtime.Channel]int    // Adds that have succeeded, ever
	before map[realtime.Channel]int    // of them, before it was wanted
	known  map[realtime.Channel]string // by which name, the last time that it was wanted
	added  map[realtime.Channel]bool   // at the broker
	called map[realtime.Channel]bool   // at this moment
	calls  int
	most   int
}

func (m *model) Lock()                          { m.mu.Lock() }
func (m *model) Unlock()                        { m.mu.Unlock() }
func (m *model) Asks()                          {}
func (m *model) Opens(time.Time)                {}
func (m *model) Fails(error)                    {}
func (m *model) Go(do func())                   { m.running.Go(do) }
func (*model) Since(realtime.Channel) time.Time { return time.UnixMilli(1) }
func (m *model) Close(context.Context) error    { return nil }
func (m *model) FollowsChannels() bool          { return true }
func (m *model) CompleteSince() time.Time       { return time.UnixMilli(1) }
func (m *model) Receive(context.Context) ([]realtime.Message, error) {
	return nil, errors.New("nothing comes")
}

func (m *model) FollowChannels(context.Context, realtime.Topic, realtime.Following) (realtime.ChannelStream, error) {
	return m, nil
}

func (m *model) Added(c realtime.Channel, complete time.Time) {
	if !m.wanted[c] || m.ready[c] || m.adds[c] == m.before[c] || complete != time.UnixMilli(2) {
		m.t.Errorf("%v is added: wanted %v, ready %v, %d Adds since", c, m.wanted[c], m.ready[c], m.adds[c]-m.before[c])
	}
	m.ready[c] = true
}

// call is a call of the broker. What it does is done when it is over.
func (m *model) call(ctx context.Context, c realtime.Channel, do func()) error {
	m.mu.Lock()
	if m.called[c] {
		m.t.Errorf("%v is called for twice at a time", c)
	}
	m.called[c] = true
	m.calls++
	m.most = max(m.most, m.calls)
	fate, wait := m.rand.IntN(10), time.Duration(m.rand.IntN(2000))*time.Millisecond
	if m.calm {
		fate, wait = 9, time.Millisecond
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.called[c] = false
		m.calls--
		m.mu.Unlock()
	}()
	if fate == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(wait)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch fate {
	case 1:
		return errors.New("refused")
	case 2:
		panic("a call of the broker")
	}
	do()
	if fate == 3 {
		return errors.New("done, but who knows")
	}
	return nil
}

func (m *model) Add(ctx context.Context, c realtime.Channel, _ time.Time) (time.Time, error) {
	begun := false
	err := m.call(ctx, c, func() {
		m.added[c] = true
		begun = true
	})
	if err == nil && begun {
		m.mu.Lock()
		m.adds[c]++
		m.mu.Unlock()
	}
	return time.UnixMilli(2), err
}

func (m *model) Remove(ctx context.Context, c realtime.Channel) error {
	return m.call(ctx, c, func() { m.added[c] = false })
}

// TestChannels: whatever becomes of calls of the broker, a channel is said to be ready only after an Add that has succeeded since it was last wanted, its messages are known by
// another name each time, for no channel are two calls under way, and in the end what is wanted is added and nothing else.
func TestChannels(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20 * trial.Scale(t)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { liveWithChannels(t, uint64(trial.Seed(t))+seed) })
		})
	}
}

func liveWithChannels(t *testing.T, seed uint64) {
	m := &model{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), wanted: map[realtime.Channel]bool{}, ready: map[realtime.Channel]bool{}, adds: map[realtime.Channel]int{},
		before: map[realtime.Channel]int{}, known: map[realtime.Channel]string{}, added: map[realtime.Channel]bool{}, called: map[realtime.Channel]bool{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := NewChannels(ctx, m)
	o := &Options{Owner: m, Metrics: realtime.NoMetrics{}, Log: slog.New(slog.DiscardHandler), Pace: pace.Pace{}.WithDefaults(), Single: s}
	if _, err := s.follow(ctx, o, realtime.Following{}); err != nil {
		t.Fatal(err)
	}
	var all []realtime.Channel
	for i := range 300 {
		c, err := realtime.NewChannel("acme", fmt.Sprint("c:", i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	choose := rand.New(rand.NewPCG(seed, 2))
	for range 3000 {
		m.mu.Lock()
		c := all[choose.IntN(len(all))]
		if choose.IntN(2) == 0 {
			want(t, m, s, c)
		} else {
			s.Unwanted(c)
			m.wanted[c], m.ready[c] = false, false
		}
		if choose.IntN(20) == 0 {
			s.Retry()
		}
		m.mu.Unlock()
		time.Sleep(time.Duration(choose.IntN(200)) * time.Millisecond)
	}
	m.mu.Lock()
	m.calm = true
	m.mu.Unlock()
	for range 20 { // as a sweep does
		m.mu.Lock()
		s.Retry()
		for c, wanted := range m.wanted {
			if wanted {
				want(t, m, s, c)
			}
		}
		m.mu.Unlock()
		time.Sleep(5 * time.Second)
	}
	synctest.Wait()
	n := 0
	for _, c := range all {
		if m.wanted[c] {
			n++
		}
		if m.added[c] != m.wanted[c] || m.ready[c] != m.wanted[c] {
			t.Errorf("%v is wanted: %v, added: %v, ready: %v", c, m.wanted[c], m.added[c], m.ready[c])
		}
	}
	if s.Len() != n || m.most > mostCalls {
		t.Errorf("%d channels are known, %d wanted; %d calls were under way", s.Len(), n, m.most)
	}
	cancel()
	m.running.Wait()
}

// want wants a channel, with the lock held.
func want(t *testing.T, m *model, s *Channels, c realtime.Channel) {
	t.Helper()
	if _, ok := s.Known(c); ok != m.wanted[c] {
		t.Errorf("%v is known: %v, wanted: %v", c, ok, m.wanted[c])
	}
	fresh := !m.wanted[c]
	if fresh {
		m.wanted[c], m.before[c] = true, m.adds[c]
	}
	if ready := s.Wanted(c); ready != m.ready[c] {
		t.Errorf("%v is said to be ready: %v, want %v", c, ready, m.ready[c])
	}
	name, ok := s.Known(c)
	if !ok || fresh == (name == m.known[c]) {
		t.Errorf("%v is known as %q, and was known as %q", c, name, m.known[c])
	}
	m.known[c] = name
}
