package hub_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/wire"
)

// silent is a broker whose topics cannot be followed, or bring nothing.
type silent struct {
	realtime.Broker
	opens bool
}

func (s silent) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	if !s.opens {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	stream, err := s.Broker.Follow(ctx, topic, f)
	return silentStream{stream}, err
}

type silentStream struct{ realtime.Stream }

func (silentStream) Receive(ctx context.Context) ([]realtime.Message, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// What docs/resume.md says: a Hub answers a subscribe within Pace.Beacon, twice Pace.Fence and one of its sweeps, whatever the broker does
// and whenever the question comes.
func TestSubscribeIsAnsweredIn41Seconds(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(realtime.Broker) realtime.Broker{
		"not followed":   func(b realtime.Broker) realtime.Broker { return silent{b, false} },
		"brings nothing": func(b realtime.Broker) realtime.Broker { return silent{b, true} },
		"refuses all": func(b realtime.Broker) realtime.Broker {
			return faultybroker.New(b, faultybroker.Options{Refuse: 1, RefuseFollow: 1})
		},
		"refuses late": func(b realtime.Broker) realtime.Broker {
			return faultybroker.New(b, faultybroker.Options{RefuseLate: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, acmeTenant())
				r.rebase(broken(memory.NewBroker(memory.BrokerOptions{})))
				p := r.connect("ann")
				var slowest time.Duration
				for i := range 12 {
					time.Sleep(time.Duration(i) * 137 * time.Millisecond)
					asked := time.Now()
					since := realtime.Position{Time: asked.Add(-time.Minute).UnixMilli()}
					r.subscribe(p, "prices:fx", since, 0)
					var answer []wire.ServerFrame
					for len(answer) == 0 {
						time.Sleep(10 * time.Millisecond)
						synctest.Wait()
						for _, f := range p.take() {
							if f.Channel != "" {
								answer = append(answer, f)
							}
						}
						if time.Since(asked) > time.Minute {
							t.Fatal("no answer in a minute")
						}
					}
					slowest = max(slowest, time.Since(asked))
					if answer[0].Type == wire.TypeOK {
						r.hub.Unsubscribe(p.conn, channelOf(t, "prices:fx"), "")
					}
				}
				if slowest > 41*time.Second+10*time.Millisecond {
					t.Errorf("the slowest answer took %v", slowest)
				}
				t.Logf("the slowest answer took %v", slowest)
			})
		})
	}
}

func channelOf(t *testing.T, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
