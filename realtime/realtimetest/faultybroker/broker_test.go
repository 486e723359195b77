package faultybroker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/realtimetest"
)

// mild are faults that a test in real time can wait for. The suite must bear
// them, since they are within the contract.
func mild() Options {
	return Options{
		LateReplay: 0.5, LateReplayWithin: 50 * time.Millisecond,
		Delay: 0.01, DelayWithin: 20 * time.Millisecond,
		Redeliver: 0.01, RedeliverWithin: 20 * time.Millisecond,
		LateAdd: 0.3, LateAddWithin: 20 * time.Millisecond,
		CutFence: 0.1, StallEvery: 100 * time.Millisecond, StallWithin: 20 * time.Millisecond, BreakEvery: 100 * time.Millisecond,
	}
}

func TestKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no faults":   {},
		"mild faults": mild(),
		// Apart from late replays: a copy that is stored after a stream was opened may overtake
		// the first one that it replays, and the suite looks at the order of what comes first.
		"retries": {Retry: 0.05, RetryWithin: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			realtimetest.TestBroker(t, realtimetest.Harness{
				Broker: func(*testing.T) realtimetest.BrokerBackend {
					b := New(memory.NewBroker(memory.BrokerOptions{MessageBytes: 1000, SingleChannels: true}), o)
					return realtimetest.BrokerBackend{
						Open: func(*testing.T) realtime.Broker { return b },
						Fail: func(*testing.T, *realtime.Message) { b.RefuseLate(1, 30*time.Millisecond) },
					}
				},
				Features: realtimetest.Features{Ordered: true, SameOrder: true, Replay: true, SingleChannels: true, Failures: true, MaxData: 1000},
				Large:    2000,
			})
		})
	}
}

func channel(t testing.TB, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// event returns a Publication to the channel.
func event(c realtime.Channel, id string) *realtime.Message {
	return &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: id, Data: []byte(`{"id":"` + id + `"}`)}}
}

// world is a faulty broker, two channels and a stream of instance i1, in a bubble.
type world struct {
	*testing.T
	broker *Broker
	a, b   realtime.Channel
	stream realtime.Stream
}

func newWorld(t *testing.T, o Options) *world {
	w := &world{T: t, broker: New(memory.NewBroker(memory.BrokerOptions{}), o), a: channel(t, "a"), b: channel(t, "b")}
	t.Cleanup(func() {
		if err := w.broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) follow(since time.Time) {
	w.Helper()
	s, err := w.broker.Follow(w.Context(), "t", realtime.Following{Instance: "i1", Generation: 1, Since: since})
	if err != nil {
		w.Fatal(err)
	}
	w.stream = s
}

// publish publishes IDs to a channel and returns the last error.
func (w *world) publish(c realtime.Channel, ids ...string) (last error) {
	w.Helper()
	for _, id := range ids {
		done := make(chan error, 1)
		w.broker.Publish(w.Context(), "t", event(c, id), func(err error) { done <- err })
		last = <-done
	}
	return last
}

func (w *world) control(kind realtime.Kind, c realtime.Channel, origin, id string) {
	w.Helper()
	m := &realtime.Message{Kind: kind, Origin: origin, Publication: realtime.Publication{Channel: c, ID: id}}
	w.broker.Publish(w.Context(), "t", m, func(err error) {
		if err != nil {
			w.Errorf("publish %s: %v", id, err)
		}
	})
}

// hears returns what comes within d, as "a1 b1 !" with ! for an interruption;
// what comes a second or more after what was before is set off by the seconds
// since the start, as in "a1 @5 a2". A batch is shown channel by channel.
func (w *world) hears(d time.Duration) string {
	w.Helper()
	var words []string
	start, last := time.Now(), time.Now()
	ctx, cancel := context.WithTimeout(w.Context(), d)
	defer cancel()
	for {
		batch, err := w.stream.Receive(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return strings.Join(words, " ")
		}
		if time.Since(last) >= time.Second {
			words = append(words, fmt.Sprintf("@%d", int(time.Since(start).Seconds())))
		}
		last = time.Now()
		if errors.Is(err, realtime.ErrBroken) {
			words = append(words, "!")
			continue
		}
		if err != nil {
			return strings.Join(append(words, "end"), " ")
		}
		slices.SortStableFunc(batch, func(x, y realtime.Message) int { return strings.Compare(x.Channel.Name(), y.Channel.Name()) })
		for _, m := range batch {
			words = append(words, m.Channel.Name()+m.ID)
		}
	}
}

func (w *world) want(d time.Duration, want string) {
	w.Helper()
	if diff := cmp.Diff(want, w.hears(d)); diff != "" {
		w.Errorf("(-want +heard):\n%s", diff)
	}
}

func TestFaultsByHand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		story func(w *world)
		want  Stats
	}{
		{"delay", func(w *world) {
			w.follow(time.Now())
			w.broker.Delay("i1", w.a, 5*time.Second)
			w.publish(w.a, "1", "2")
			w.publish(w.b, "1")
			w.want(3*time.Second, "b1")
			w.publish(w.a, "3")
			w.publish(w.b, "2")
			w.want(10*time.Second, "b2 @2 a1 a2 a3")
		}, Stats{Published: 5, Delivered: 5, Delays: 1}},
		{"delay of beacons", func(w *world) {
			w.follow(time.Now())
			w.broker.Delay("i1", realtime.Channel{}, 5*time.Second)
			w.control(realtime.KindBeacon, realtime.Channel{}, "i1", "beacon")
			w.publish(w.a, "1")
			w.want(10*time.Second, "a1 @5 beacon")
		}, Stats{Published: 2, Delivered: 2, Delays: 1}},
		{"redeliver", func(w *world) {
			w.follow(time.Now())
			w.publish(w.a, "1", "2", "3")
			w.publish(w.b, "1")
			w.hears(time.Second)
			w.publish(w.a, "4")
			w.broker.Redeliver("i1", w.a, 2)
			w.want(time.Second, "a2 a3 a4")
			w.broker.Redeliver("i1", w.a, 99)
			w.want(time.Second, "a1 a2 a3 a4")
		}, Stats{Published: 5, Delivered: 4 + 3 + 4, Redeliveries: 2, Redelivered: 6}},
		{"retry", func(w *world) {
			w.follow(time.Now())
			w.broker.Retry(1, 5*time.Second)
			w.publish(w.a, "1", "2")
			w.want(2*time.Second, "a1 a2")
			w.publish(w.a, "3")
			w.want(9*time.Second, "a3 @3 a1")
		}, Stats{Published: 3, Delivered: 4, Retried: 1}},
		{"late replay", func(w *world) {
			w.publish(w.a, "1", "2")
			w.control(realtime.KindBeacon, realtime.Channel{}, "i1", "beacon")
			w.broker.LateReplay(1, 30*time.Second)
			w.follow(time.Now().Add(-time.Minute))
			w.publish(w.b, "1") // at once, but live
			w.want(20*time.Second, "b1")
			w.control(realtime.KindFence, w.b, "i1", "fence")
			w.want(20*time.Second, "bfence @9 beacon a1 a2")
			w.follow(time.Now().Add(-time.Hour)) // the next one is not late
			w.want(time.Second, "beacon a1 a2 b1 bfence")
		}, Stats{Published: 5, Delivered: 10, LateReplays: 1}},
		{"stall", func(w *world) {
			w.follow(time.Now())
			w.broker.Stall("i1", 5*time.Second)
			w.broker.Stall("i2", time.Hour)
			w.publish(w.a, "1")
			w.publish(w.b, "1")
			w.want(10*time.Second, "@5 a1 b1")
		}, Stats{Published: 2, Delivered: 2, Stalls: 1}},
		{"break", func(w *world) {
			w.follow(time.Now())
			w.publish(w.a, "1", "2")
			w.hears(time.Second)
			w.publish(w.a, "3")
			w.broker.Break("i1")
			heard := w.hears(time.Minute)
			// Which of those that were given come again is a choice.
			if !strings.HasPrefix(heard, "!") || !strings.HasSuffix(heard, "a3") || strings.Contains(heard, "a2 a1") {
				w.Errorf("heard %q", heard)
			}
			w.publish(w.a, "4")
			w.want(time.Second, "a4")
		}, Stats{Breaks: 1}},
		{"cut fence", func(w *world) {
			w.follow(time.Now())
			w.broker.CutFence("i1", 1)
			w.control(realtime.KindFence, w.a, "i2", "theirs")
			w.want(time.Second, "atheirs")
			w.control(realtime.KindFence, w.a, "i1", "own")
			w.want(time.Millisecond, "!")
			if heard := w.hears(time.Minute); !strings.HasSuffix(heard, "aown") {
				w.Errorf("heard %q", heard)
			}
			w.control(realtime.KindFence, w.a, "i1", "next")
			w.want(time.Second, "anext")
		}, Stats{FencesCut: 1, Breaks: 1}},
		{"end", func(w *world) {
			w.follow(time.Now())
			w.broker.End("i1")
			w.publish(w.a, "1")
			w.want(time.Second, "end")
			w.want(time.Second, "end")
			w.follow(time.Now().Add(-time.Minute))
			w.want(time.Second, "a1")
		}, Stats{Published: 1, Delivered: 1, Ends: 1}},
		{"lose", func(w *world) {
			w.follow(time.Now())
			w.broker.Lose("i1", 2)
			w.control(realtime.KindFence, w.a, "i2", "fence")
			w.publish(w.a, "1", "2", "3")
			w.want(time.Second, "afence a3")
		}, Stats{Published: 4, Delivered: 2, Lost: 2}},
		{"refuse and disown", func(w *world) {
			w.follow(time.Now())
			w.broker.Refuse(1)
			if err := w.publish(w.a, "1"); realtime.CodeOf(err) != realtime.CodeUnavailable {
				w.Errorf("refused with %v", err)
			}
			w.broker.Disown(1)
			if err := w.publish(w.a, "2"); realtime.CodeOf(err) != realtime.CodeUnavailable {
				w.Errorf("disowned with %v", err)
			}
			if err := w.publish(w.a, "3"); err != nil {
				w.Error(err)
			}
			w.want(time.Second, "a2 a3")
		}, Stats{Published: 3, Delivered: 2, Refused: 1, Disowned: 1}},
		{"refuse to be followed", func(w *world) {
			w.broker.RefuseFollow(1)
			if _, err := w.broker.Follow(w.Context(), "t", realtime.Following{Instance: "i1"}); realtime.CodeOf(err) != realtime.CodeUnavailable {
				w.Errorf("refused with %v", err)
			}
			w.follow(time.Now())
		}, Stats{FollowsRefused: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				tt.story(w)
				got := w.broker.Stats()
				if tt.want.Published == 0 { // a story with choices
					got.Published, got.Delivered, got.Redeliveries, got.Redelivered = 0, 0, 0, 0
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("stats (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestRoughWeather: whatever goes wrong, each stream brings every message, each
// channel's first copies in order, and none too late.
func TestRoughWeather(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { roughWeather(t, seed) })
		})
	}
}

func roughWeather(t *testing.T, seed uint64) {
	const each = 3000
	o := Rough(seed)
	o.RefuseFollow, o.EndEvery, o.LateReplay = 0, 0, 0
	o.StallEvery, o.StallWithin = time.Minute, 5*time.Second
	w := newWorld(t, o)
	w.follow(time.Now())
	go func() {
		for i := 1; i <= each; i++ {
			for _, c := range []realtime.Channel{w.a, w.b} {
				for w.publish(c, strconv.Itoa(i)) != nil {
				}
			}
			<-time.After(200 * time.Millisecond)
		}
	}()
	next := map[realtime.Channel]int{w.a: 1, w.b: 1}
	for next[w.a] <= each || next[w.b] <= each {
		batch, err := w.stream.Receive(t.Context())
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
			t.Fatal(err)
		}
		for _, m := range batch {
			n, err := strconv.Atoi(m.ID)
			if err != nil || n > next[m.Channel] {
				t.Fatalf("%v: %q came where %d was due", m.Channel, m.ID, next[m.Channel])
			}
			if n < next[m.Channel] {
				continue // a repetition
			}
			next[m.Channel]++
			if late := time.Since(m.Time); late > o.DelayWithin+3*o.StallWithin {
				t.Fatalf("%v: %q is %v late", m.Channel, m.ID, late)
			}
		}
	}
	s := w.broker.Stats()
	for what, n := range map[string]int{
		"refused": s.Refused, "disowned": s.Disowned, "retried": s.Retried, "delays": s.Delays,
		"redeliveries": s.Redeliveries, "stalls": s.Stalls, "breaks": s.Breaks,
	} {
		if n == 0 {
			t.Errorf("%s: none in 10 minutes of rough weather", what)
		}
	}
	if s.Lost != 0 || s.Ends != 0 || s.FollowsRefused != 0 {
		t.Errorf("did what was not asked for: %+v", s)
	}

	// And then it is calm.
	w.broker.Calm()
	w.hears(2 * time.Minute)
	before := w.broker.Stats()
	for range 1000 {
		if err := w.publish(w.a, "x"); err != nil {
			t.Fatal(err)
		}
	}
	w.hears(10 * time.Minute)
	before.Published += 1000
	before.Delivered += 1000
	if diff := cmp.Diff(before, w.broker.Stats()); diff != "" {
		t.Errorf("after Calm (-want +got):\n%s", diff)
	}
}

func TestFaultsByChance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options Options
		count   func(Stats) int
	}{
		{"RefuseFollow", Options{RefuseFollow: 0.5}, func(s Stats) int { return s.FollowsRefused }},
		{"LateReplay", Options{LateReplay: 0.5}, func(s Stats) int { return s.LateReplays }},
		{"Lose", Options{Lose: 0.1}, func(s Stats) int { return s.Lost }},
		{"CutFence", Options{CutFence: 0.2}, func(s Stats) int { return s.FencesCut }},
		{"EndEvery", Options{EndEvery: 10 * time.Second}, func(s Stats) int { return s.Ends }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.options)
				for range 50 {
					s, err := w.broker.Follow(t.Context(), "t", realtime.Following{Instance: "i1", Since: time.Now()})
					if err != nil {
						continue
					}
					w.stream = s
					w.publish(w.a, "1")
					w.control(realtime.KindFence, w.a, "i1", "f")
					w.hears(5 * time.Second)
					if err := s.Close(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if n := tt.count(w.broker.Stats()); n < 3 || n > 48 {
					t.Errorf("happened %d times", n)
				}
			})
		})
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		inner := memory.NewBroker(memory.BrokerOptions{RetryMargin: time.Second}) // less than the copies take
		b := New(inner, Options{})
		defer b.Close(context.Background())
		claim := func(since time.Time) time.Duration {
			s, err := b.Follow(t.Context(), "t", realtime.Following{Instance: "i1", Since: since})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(t.Context())
			return s.CompleteSince().Sub(start)
		}
		b.Publish(t.Context(), "t", event(channel(t, "a"), "1"), func(error) {})
		<-time.After(time.Hour)
		if got := claim(start.Add(-time.Minute)); got < 50*time.Minute {
			t.Errorf("kept 10 minutes, and claims to be complete since %v", got)
		}
		since := 55 * time.Minute
		if got := claim(start.Add(since)); got != since+retryMargin {
			t.Errorf("since %v: complete since %v, want a minute later", since, got)
		}
		whole := memory.NewBroker(memory.BrokerOptions{})
		b2 := New(whole, Options{})
		defer b2.Close(context.Background())
		s, err := b2.Follow(t.Context(), "t", realtime.Following{Instance: "i1", Since: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context())
		if got := s.CompleteSince(); !got.Equal(time.Now().Add(-time.Millisecond)) { // before the first that it could have had
			t.Errorf("a stream that has all there ever was claims %v", got)
		}
	})
}

// TestCloseWhileFaultsAreUnderWay: nothing is left behind, which goleak and
// the bubble would see.
func TestCloseWhileFaultsAreUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.broker.Retry(10, time.Minute)
		w.broker.LateReplay(1, time.Minute)
		w.publish(w.a, "1", "2", "3")
		w.follow(time.Now().Add(-time.Minute))
		w.broker.Delay("i1", w.a, time.Hour)
		w.broker.Stall("i1", time.Hour)
		ended := make(chan error)
		go func() {
			for {
				if _, err := w.stream.Receive(t.Context()); err != nil && !errors.Is(err, realtime.ErrBroken) {
					ended <- err
					return
				}
			}
		}()
		synctest.Wait()
		for range 2 {
			if err := w.broker.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if err := <-ended; err == nil {
			t.Error("the stream did not end")
		}
		if err := w.stream.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := w.publish(w.a, "4"); realtime.CodeOf(err) != realtime.CodeUnavailable {
			t.Errorf("published after Close: %v", err)
		}
	})
}

func ExampleNew() {
	ctx := context.Background()
	broker := New(memory.NewBroker(memory.BrokerOptions{}), Options{})
	defer broker.Close(context.Background())
	stream, err := broker.Follow(ctx, "acme", realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	broker.Break("i1")
	_, err = stream.Receive(ctx)
	fmt.Println(errors.Is(err, realtime.ErrBroken), broker.Stats().Breaks)
	// Output: true 1
}
