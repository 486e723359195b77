package occupancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

const grace = 5 * time.Second

var rules = realtime.Namespace{Lifecycle: true}

// topic is a ChannelEvents that judges what it is told: each event where it comes first.
type topic struct {
	t    *testing.T
	mu   sync.Mutex // guards all below
	down bool
	told map[string]bool
	last map[realtime.Channel]realtime.ChannelEvent
	all  int // also those that came before
}

func newTopic(t *testing.T) *topic {
	return &topic{t: t, told: map[string]bool{}, last: map[realtime.Channel]realtime.ChannelEvent{}}
}

func (o *topic) Tell(ctx context.Context, events []realtime.ChannelEvent) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return errors.New("the topic is down")
	}
	for i := range events {
		e := &events[i]
		o.all++
		if o.told[e.ID()] {
			continue
		}
		o.told[e.ID()] = true
		if last := o.last[e.Channel]; e.Sequence() != last.Sequence()+1 {
			o.t.Errorf("%v: after %d came %d", e.Channel, last.Sequence(), e.Sequence())
		}
		o.last[e.Channel] = *e
	}
	return nil
}

func (o *topic) fails(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
}

// seq is the number of a channel's last event.
func (o *topic) seq(c realtime.Channel) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	last, ok := o.last[c]
	if !ok {
		return 0
	}
	return last.Sequence()
}

// frail is an Occupancies as one instance has it: it fails now and then, before or after it has written, and for ever when the
// instance is dead.
type frail struct {
	realtime.Occupancies
	mu   sync.Mutex // guards rand
	rand *rand.Rand
	odds atomic.Int32 // of 100 that a call fails
	dead atomic.Bool
	n    atomic.Int32 // calls
}

var errFrail = &realtime.Error{Code: realtime.CodeUnavailable, Message: "not now"}

func (f *frail) call(do func() error) error {
	f.n.Add(1)
	f.mu.Lock()
	fails, after, wait := f.rand.IntN(100) < int(f.odds.Load()), f.rand.IntN(2) == 0, time.Duration(f.rand.IntN(200))*time.Millisecond
	f.mu.Unlock()
	time.Sleep(wait)
	if f.dead.Load() || fails && !after {
		return errFrail
	}
	err := do()
	if fails || f.dead.Load() {
		return errFrail
	}
	return err
}

func (f *frail) Occupy(ctx context.Context, c realtime.Channel, instance string) (events []realtime.ChannelEvent, err error) {
	err = f.call(func() (err error) { events, err = f.Occupancies.Occupy(ctx, c, instance); return err })
	return events, err
}

func (f *frail) Vacate(ctx context.Context, c realtime.Channel, instance string, at time.Time) (events []realtime.ChannelEvent, err error) {
	err = f.call(func() (err error) { events, err = f.Occupancies.Vacate(ctx, c, instance, at); return err })
	return events, err
}

func (f *frail) Told(ctx context.Context, last *realtime.ChannelEvent) error {
	return f.call(func() error { return f.Occupancies.Told(ctx, last) })
}

// site is an instance.
type site struct {
	*Teller
	name    string
	store   *frail
	readers map[realtime.Channel]int
}

func newSite(store realtime.Occupancies, events realtime.ChannelEvents, name string, seed uint64) *site {
	f := &frail{Occupancies: store, rand: rand.New(rand.NewPCG(seed, 4))} //nolint:gosec // it makes a test and keeps no secret
	return &site{
		Teller: New(Options{Store: f, Events: events, Instance: name, Logger: slog.New(slog.DiscardHandler), Metrics: realtime.NoMetrics{}}),
		name:   name, store: f, readers: map[realtime.Channel]int{},
	}
}

// knows reports whether the store knows that it has readers.
func (s *site) knows(c realtime.Channel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.channels[c]
	return e != nil && e.said && e.until.IsZero()
}

func channel(t *testing.T, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *site) close(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// alone runs a test of one instance.
func alone(t *testing.T, test func(t *testing.T, s *site, o *topic, c realtime.Channel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := newTopic(t)
		s := newSite(memory.NewOccupancies(), o, "i1", 1)
		test(t, s, o, channel(t, "board:7"))
		s.close(t)
	})
}

func is(t *testing.T, o *topic, c realtime.Channel, want int64) {
	t.Helper()
	if got := o.seq(c); got != want {
		t.Errorf("the last event is %d, want %d", got, want)
	}
}

func TestVacatedAfterTheGrace(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, s *site, o *topic, c realtime.Channel) {
		s.Joined(c, &rules)
		s.Joined(c, &rules)
		pass(2 * time.Second)
		is(t, o, c, 1)
		s.Left(c)
		pass(time.Minute)
		is(t, o, c, 1)
		s.Left(c)
		pass(grace - time.Second)
		is(t, o, c, 1)
		s.Joined(c, &rules) // back in time
		pass(time.Minute)
		is(t, o, c, 1)
		s.Left(c)
		pass(grace + 2*time.Second)
		is(t, o, c, 2)
		if n := s.store.n.Load(); n > 4 {
			t.Errorf("%d calls of the store", n)
		}
		s.Joined(c, &rules)
		pass(2 * time.Second)
		is(t, o, c, 3)
	})
}

func TestNothingWithoutTheRule(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, s *site, o *topic, c realtime.Channel) {
		s.Joined(c, &realtime.Namespace{})
		s.Left(c)
		s.Joined(c, &realtime.Namespace{})
		pass(time.Minute)
		if n := s.store.n.Load(); n > 0 || len(s.channels) > 0 {
			t.Errorf("%d calls of the store, %d channels", n, len(s.channels))
		}
		// The rule comes while there are readers, and goes.
		doc := func(on bool) *realtime.Tenant {
			return &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"board": {Lifecycle: on}}}
		}
		s.Obey(doc(true))
		s.Obey(doc(true))
		pass(2 * time.Second)
		is(t, o, c, 1)
		s.Obey(doc(false))
		pass(time.Minute)
		is(t, o, c, 1)
		s.Left(c)
		pass(time.Minute)
		is(t, o, c, 2)
		s.Joined(c, &realtime.Namespace{})
		pass(time.Minute)
		is(t, o, c, 2)
		if len(s.channels) > 0 {
			t.Errorf("%d channels are left", len(s.channels))
		}
		s.Left(c)
	})
}

// What the store is not to know is not kept.
func TestKeepsNothing(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, s *site, o *topic, _ realtime.Channel) {
		for i := range 1000 {
			c := channel(t, "board:"+strconv.Itoa(i))
			s.Joined(c, &rules)
			s.Left(c)
		}
		pass(2 * time.Minute)
		if len(s.channels)+len(s.readers)+s.due.Len()+s.vacant+s.handed+s.running > 0 {
			t.Errorf("%d channels, %d due, %d vacant, %d handed, %d running", len(s.channels), s.due.Len(), s.vacant, s.handed, s.running)
		}
	})
}

func TestIsBounded(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, s *site, o *topic, _ realtime.Channel) {
		all := make([]realtime.Channel, maxVacant+500)
		for i := range all {
			all[i] = channel(t, "board:"+strconv.Itoa(i))
			s.Joined(all[i], &rules)
		}
		pass(10 * time.Minute)
		s.store.odds.Store(100)
		for _, c := range all {
			s.Left(c)
		}
		pass(time.Minute)
		if len(s.channels) > maxVacant || s.vacant > maxVacant {
			t.Errorf("%d channels, %d vacant", len(s.channels), s.vacant)
		}
		s.store.odds.Store(0)
		pass(10 * time.Minute)
		if len(s.channels) > 0 {
			t.Errorf("%d channels are left", len(s.channels))
		}
	})
}

// The topic may be down for long: nothing is lost, and what came and went is told once.
func TestOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, s *site, o *topic, c realtime.Channel) {
		o.fails(true)
		for range 100 {
			s.Joined(c, &rules)
			pass(time.Minute)
			s.Left(c)
			pass(time.Minute)
		}
		s.Joined(c, &rules)
		is(t, o, c, 0)
		o.fails(false)
		pass(2 * time.Minute)
		if seq := o.seq(c); seq%2 != 1 {
			t.Errorf("the last event is %d", seq)
		}
	})
}

func TestLapseIsToldAgain(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, s *site, o *topic, c realtime.Channel) {
		s.Joined(c, &rules)
		pass(2 * time.Second)
		events, err := s.store.Occupancies.Vacate(t.Context(), c, "i1", time.Now()) // the janitor, which took it for dead
		if err != nil || o.Tell(t.Context(), events) != nil {
			t.Fatal(err)
		}
		is(t, o, c, 2)
		pass(time.Minute)
		is(t, o, c, 2)
		s.Lapsed()
		pass(2 * time.Second)
		is(t, o, c, 3)
	})
}

// Who ends says from when on its channels are vacated, and whoever takes the readers over in time keeps them occupied.
func TestHandsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, store := newTopic(t), memory.NewOccupancies()
		one, other := newSite(store, o, "i1", 1), newSite(store, o, "i2", 2)
		stays, goes := channel(t, "board:stays"), channel(t, "board:goes")
		one.Joined(stays, &rules)
		one.Joined(goes, &rules)
		pass(2 * time.Second)
		one.End()
		one.Left(stays)
		one.Left(goes)
		one.close(t)
		pass(2 * time.Second)
		other.Joined(stays, &rules)
		pass(time.Minute)
		is(t, o, stays, 1)
		is(t, o, goes, 1)
		janitor(t, store, o)
		is(t, o, stays, 1)
		is(t, o, goes, 2)
		other.close(t)
	})
}

// When the last request of an instance is held open, the store is told without a wait for the grace; and the instance sees to it itself if it lives.
func TestSettledDoesNotWait(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T, s *site, o *topic, c realtime.Channel) {
		s.Joined(c, &rules)
		pass(2 * time.Second)
		s.Left(c)
		before := time.Now()
		if err := s.Settled(t.Context()); err != nil || time.Since(before) > time.Second {
			t.Errorf("after %v: %v", time.Since(before), err)
		}
		is(t, o, c, 1)
		pass(grace + time.Second)
		is(t, o, c, 2)
	})
}

// janitor does what functions/janitor does for channels.
func janitor(t *testing.T, store realtime.Occupancies, o *topic, dead ...string) {
	t.Helper()
	settle := func(c realtime.Channel, events []realtime.ChannelEvent, err error) {
		t.Helper()
		if err == nil && len(events) > 0 {
			if err = o.Tell(t.Context(), events); err == nil {
				err = store.Told(t.Context(), &events[len(events)-1])
			}
		}
		if err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, instance := range dead {
		for c, err := range store.Held(t.Context(), instance) {
			if err != nil {
				t.Fatal(err)
			}
			events, err := store.Vacate(t.Context(), c, instance, time.Now())
			settle(c, events, err)
		}
	}
	for c, err := range store.Due(t.Context(), time.Now()) {
		if err != nil {
			t.Fatal(err)
		}
		events, err := store.Settle(t.Context(), c, time.Now())
		settle(c, events, err)
	}
}

// TestProperty: readers come and go at some instances, which die and drain, while store and topic fail. What is told alternates
// (topic sees to it), and at rest the last event of each channel is the truth. While an instance that lives has held
// a channel all the while, nothing was told of it.
func TestProperty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { live(t, rand.New(rand.NewPCG(seed, 5))) }) //nolint:gosec // it makes a test and keeps no secret
		})
	}
}

func live(t *testing.T, r *rand.Rand) {
	o, store := newTopic(t), memory.NewOccupancies()
	var sites []*site
	var born int
	var channels []realtime.Channel
	for i := range 4 {
		channels = append(channels, channel(t, fmt.Sprint("board:", i)))
	}
	var dead []string
	for range 60 {
		for len(sites) < 3 {
			born++
			sites = append(sites, newSite(store, o, fmt.Sprint("i", born), r.Uint64()))
		}
		steady := map[realtime.Channel]int64{} // those held by somebody who does nothing, as the store knows, and their last event
		acts := r.IntN(len(sites))
		for n, s := range sites {
			for c := range s.readers {
				if n != acts && s.knows(c) {
					steady[c] = o.seq(c)
				}
			}
		}
		s := sites[acts]
		s.store.odds.Store(int32(r.IntN(3) * 20)) //nolint:gosec // at most 40
		o.fails(r.IntN(8) == 0)
		for range r.IntN(12) {
			c := channels[r.IntN(len(channels))]
			if s.readers[c] > 0 && r.IntN(2) == 0 {
				s.readers[c]--
				s.Left(c)
			} else {
				s.readers[c]++
				s.Joined(c, &rules)
			}
			pass(time.Duration(r.IntN(4000)) * time.Millisecond)
		}
		switch r.IntN(10) {
		case 0: // dies
			s.store.dead.Store(true)
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = s.Close(ctx)
			dead = append(dead, s.name)
			sites = append(sites[:acts], sites[acts+1:]...)
		case 1: // drains
			s.store.odds.Store(0)
			o.fails(false)
			s.End()
			for c, n := range s.readers {
				for range n {
					s.Left(c)
				}
			}
			s.close(t)
			sites = append(sites[:acts], sites[acts+1:]...)
		case 2:
			s.Lapsed()
		case 3:
			janitor(t, store, func() *topic { o.fails(false); return o }(), dead...)
		}
		pass(time.Duration(r.IntN(2)) * time.Second)
		for c, seq := range steady {
			if now := o.seq(c); now != seq && seq%2 == 1 {
				t.Errorf("%v was held all the while, and after %d came %d", c, seq, now)
			}
		}
		if r.IntN(6) == 0 || t.Failed() {
			rest(t, sites, channels, store, o, dead)
		}
	}
	rest(t, sites, channels, store, o, dead)
	for _, s := range sites {
		for c, n := range s.readers {
			for range n {
				s.Left(c)
			}
		}
		s.close(t)
	}
}

// rest waits until nothing happens any more, and compares what was told with the truth.
func rest(t *testing.T, sites []*site, channels []realtime.Channel, store realtime.Occupancies, o *topic, dead []string) {
	t.Helper()
	o.fails(false)
	for _, s := range sites {
		s.store.odds.Store(0)
	}
	pass(2 * time.Minute)
	janitor(t, store, o, dead...)
	for _, c := range channels {
		occupied := false
		for _, s := range sites {
			occupied = occupied || s.readers[c] > 0
		}
		if seq := o.seq(c); (seq%2 == 1) != occupied {
			t.Errorf("%v: occupied is %t, and the last event is %d", c, occupied, seq)
		}
	}
}
