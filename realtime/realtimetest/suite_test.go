package realtimetest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// flawEnv names the flaw that TestFlawed runs the suite with.
const flawEnv = "REALTIMETEST_FLAW"

// flaw is a driver that breaks the contract in one way, and the case that must
// see it.
type flaw struct {
	name, caught string
	broker       func(*flawedBroker)
}

func flaws() []flaw {
	type message = realtime.Message
	type topic = realtime.Topic
	return []flaw{
		{name: "drops tags", caught: "Carries", broker: changed(func(_ int, m *message) { m.Tags = nil })},
		{name: "shows text only", caught: "Carries", broker: changed(func(_ int, m *message) { m.Data = []byte(strings.ToValidUTF8(string(m.Data), "?")) })},
		{name: "forgets the number", caught: "Carries", broker: changed(func(_ int, m *message) { m.Number = 0 })},
		{name: "cuts microseconds", caught: "Carries", broker: changed(func(_ int, m *message) { m.Previous = m.Previous.Truncate(time.Second) })},
		{name: "gives bursts backwards", caught: "OrderOfHandingOver", broker: received(slices.Reverse[[]message])},
		{name: "mixes channels", caught: "PooledTopic", broker: received(func(ms []message) {
			for i := range ms {
				ms[i].Channel, _ = realtime.NewChannel("acme", "prices:fx")
			}
		})},
		{name: "loses one of many", caught: "Many", broker: func(b *flawedBroker) {
			n := 0
			b.publish = func(ctx context.Context, t topic, m *message, done func(error)) {
				if n++; n == 777 {
					done(nil)
					return
				}
				b.Broker.Publish(ctx, t, m, done)
			}
		}},
		{name: "tells the time too exactly", caught: "Time", broker: received(func(ms []message) {
			for i := range ms {
				ms[i].Time = ms[i].Time.Add(1)
			}
		})},
		{name: "believes the publisher's time", caught: "Time", broker: received(func(ms []message) {
			for i := range ms {
				ms[i].Time = time.UnixMilli(1)
			}
		})},
		{name: "goes back in time", caught: "Time", broker: received(func(ms []message) {
			for i := range ms {
				ms[i].Time = ms[i].Time.Add(-time.Duration(i) * time.Second)
			}
		})},
		{name: "keeps the caller's bytes", caught: "CallerKeepsItsBytes", broker: func(b *flawedBroker) {
			var kept []message
			b.publish = func(ctx context.Context, t topic, m *message, done func(error)) {
				kept = append(kept, *m)
				done(nil)
				if len(kept) == 100 {
					for i := range kept {
						b.Broker.Publish(ctx, t, &kept[i], func(error) {})
					}
				}
			}
		}},
		{name: "drops repeated IDs", caught: "RepeatedID", broker: func(b *flawedBroker) {
			seen := map[string]bool{}
			b.publish = func(ctx context.Context, t topic, m *message, done func(error)) {
				if seen[m.ID] {
					done(nil)
					return
				}
				seen[m.ID] = true
				b.Broker.Publish(ctx, t, m, done)
			}
		}},
		{name: "has one topic", caught: "TopicsAreApart", broker: func(b *flawedBroker) {
			b.publish = func(ctx context.Context, _ topic, m *message, done func(error)) {
				b.Broker.Publish(ctx, "one", m, done)
			}
			b.follow = func(t *topic, _ *realtime.Following) { *t = "one" }
		}},
		{name: "shares messages among streams", caught: "InstancesAndGenerations", broker: func(b *flawedBroker) {
			n := 0
			b.receive = func(ctx context.Context, s realtime.Stream) ([]message, error) {
				for {
					messages, err := s.Receive(ctx)
					if n++; err != nil || n%3 != 0 {
						return messages, err
					}
				}
			}
		}},
		{name: "does not replay", caught: "Replay", broker: func(b *flawedBroker) {
			b.follow = func(_ *topic, f *realtime.Following) { f.Since = time.Now().Add(time.Hour) }
		}},
		{name: "does not replay beacons", caught: "Replay", broker: func(b *flawedBroker) {
			b.publish = func(ctx context.Context, t topic, m *message, done func(error)) {
				if m.Kind == realtime.KindBeacon {
					done(nil)
					return
				}
				b.Broker.Publish(ctx, t, m, done)
			}
		}},
		{name: "replays too little", caught: "ReplaySinceAMoment", broker: func(b *flawedBroker) {
			b.follow = func(_ *topic, f *realtime.Following) { f.Since = f.Since.Add(5 * time.Millisecond) }
		}},
		{name: "adds a channel without what was before", caught: "AddedChannel", broker: func(b *flawedBroker) {
			b.add = func(ctx context.Context, s realtime.ChannelStream, c realtime.Channel, _ time.Time) (time.Time, error) {
				return s.Add(ctx, c, time.Now().Add(time.Hour))
			}
		}},
		{name: "adds a channel of the name, whose tenant it may be", caught: "AddedChannel", broker: func(b *flawedBroker) {
			b.add = func(ctx context.Context, s realtime.ChannelStream, c realtime.Channel, since time.Time) (time.Time, error) {
				other, _ := realtime.NewChannel("globex", c.Name())
				_, _ = s.Add(ctx, other, since)
				return s.Add(ctx, c, since)
			}
		}},
		{name: "adds a channel a little later", caught: "AddedAmidPublishing", broker: func(b *flawedBroker) {
			b.add = func(ctx context.Context, s realtime.ChannelStream, c realtime.Channel, _ time.Time) (time.Time, error) {
				return s.Add(ctx, c, time.Now())
			}
		}},
		{name: "leaves a channel added", caught: "RemovedChannel", broker: func(b *flawedBroker) { b.remains = true }},
		{name: "claims too much of a channel", caught: "AddedCompleteSince", broker: func(b *flawedBroker) {
			b.add = func(ctx context.Context, s realtime.ChannelStream, c realtime.Channel, _ time.Time) (time.Time, error) {
				_, err := s.Add(ctx, c, time.Now())
				return time.UnixMilli(1), err
			}
		}},
		{name: "hangs in Add", caught: "EndedAdd", broker: func(b *flawedBroker) {
			b.add = func(context.Context, realtime.ChannelStream, realtime.Channel, time.Time) (time.Time, error) {
				select {}
			}
		}},
		{name: "claims nothing", caught: "CompleteSince", broker: func(b *flawedBroker) { b.complete = func() time.Time { return time.Time{} } }},
		{name: "claims too much", caught: "CompleteSince", broker: func(b *flawedBroker) {
			b.complete = func() time.Time { return time.UnixMilli(1) }
		}},
		{name: "claims anew", caught: "CompleteSince", broker: func(b *flawedBroker) { b.complete = time.Now }},
		{name: "keeps nothing", caught: "Retention", broker: func(b *flawedBroker) { b.keeps = func() time.Duration { return 0 } }},
		{name: "claims more than it keeps", caught: "Retention", broker: func(b *flawedBroker) {
			b.complete = func() time.Time { return time.Now().Add(-time.Hour) }
		}},
		{name: "says done twice", caught: "DoneOnce", broker: func(b *flawedBroker) {
			b.publish = func(ctx context.Context, t topic, m *message, done func(error)) {
				b.Broker.Publish(ctx, t, m, done)
				done(nil)
			}
		}},
		{name: "goes on after a failure", caught: "AfterAFailure", broker: func(b *flawedBroker) {
			b.publish = func(ctx context.Context, t topic, m *message, done func(error)) {
				if id := b.fails.Load(); id == nil || *id != m.ID {
					b.Broker.Publish(ctx, t, m, done)
					return
				}
				b.fails.Store(nil)
				time.AfterFunc(30*time.Millisecond, func() { done(realtime.Errorf(realtime.CodeUnavailable, "nothing was stored")) })
			}
		}},
		{name: "does not say done when cancelled", caught: "CancelledPublish", broker: func(b *flawedBroker) {
			b.publish = func(ctx context.Context, t topic, m *message, done func(error)) {
				if ctx.Err() == nil {
					b.Broker.Publish(ctx, t, m, done)
				}
			}
		}},
		{name: "cuts what is too large", caught: "TooLarge", broker: changed(func(_ int, m *message) { m.Data = m.Data[:min(len(m.Data), 1000)] })},
		{name: "makes topics", caught: "UnknownTopic", broker: func(b *flawedBroker) {
			b.follow = func(t *topic, _ *realtime.Following) { *t = "another" }
		}},
		{name: "selects the channel by its name, whose tenant it may be", caught: "OneChannel", broker: func(b *flawedBroker) {
			b.follow = func(_ *topic, f *realtime.Following) { f.Channel, _ = realtime.NewChannel("globex", f.Channel.Name()) }
		}},
		{name: "selects publications, and no fences", caught: "OneChannel", broker: func(b *flawedBroker) {
			b.receive = func(ctx context.Context, s realtime.Stream) ([]message, error) {
				all, err := s.Receive(ctx)
				if all = slices.DeleteFunc(all, func(m message) bool { return m.Kind == realtime.KindFence }); err == nil && len(all) == 0 {
					return nil, realtime.ErrBroken
				}
				return all, err
			}
		}},
		{name: "does not hear of the cancelling", caught: "CancelledReceive", broker: func(b *flawedBroker) {
			b.receive = func(ctx context.Context, s realtime.Stream) ([]message, error) {
				return s.Receive(context.WithoutCancel(ctx))
			}
		}},
		{name: "does not close streams", caught: "CloseStream", broker: func(b *flawedBroker) { b.open = true }},
		{name: "closes once", caught: "CloseBroker", broker: func(b *flawedBroker) { b.again = errors.New("closed already") }},
	}
}

// TestFlawed runs the suite against a flawed driver, in a process of
// TestSuiteSeesFlaws alone.
func TestFlawed(t *testing.T) {
	at := slices.IndexFunc(flaws(), func(f flaw) bool { return f.name == os.Getenv(flawEnv) })
	if at < 0 {
		return
	}
	TestBroker(t, Harness{
		Patience: 300 * time.Millisecond, Large: 1000,
		Features: Features{Ordered: true, SameOrder: true, Replay: true, SingleChannels: true, Topics: true, Failures: true, MaxData: 1000},
		Broker: func(*testing.T) BrokerBackend {
			b := &flawedBroker{Broker: memory.NewBroker(memory.BrokerOptions{MessageBytes: 1000, SingleChannels: true, Topics: func(t realtime.Topic) bool { return t != "no-such-topic" }})}
			flaws()[at].broker(b)
			return BrokerBackend{
				Open: func(*testing.T) realtime.Broker { return b },
				Fail: func(_ *testing.T, m *realtime.Message) { b.fails.Store(&m.ID) },
			}
		},
	})
}

func TestSuiteSeesFlaws(t *testing.T) {
	t.Parallel()
	if os.Getenv(flawEnv) != "" {
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestFlawed$/^"+f.caught+"$", "-test.timeout=30s")
			cmd.Env = append(os.Environ(), flawEnv+"="+f.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawed/"+f.caught) {
				t.Errorf("the case %s did not see it: %v\n%s", f.caught, err, out)
			}
		})
	}
}
