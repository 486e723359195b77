package gcppubsub_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/driver/gcp/pubsubemulator"
	"github.com/tidewire/tidewire/realtime/realtimetest"
)

// patience is how long a test waits for an emulator.
const patience = 30 * time.Second

// openBroker returns a broker on the emulator, which the caller closes.
func openBroker(t *testing.T, project string, o gcppubsub.BrokerOptions) *gcppubsub.Broker {
	t.Helper()
	return openBrokerAt(t, servers.PubSub(t), project, o)
}

func openBrokerAt(t *testing.T, addr, project string, o gcppubsub.BrokerOptions) *gcppubsub.Broker {
	t.Helper()
	b, err := gcppubsub.OpenBroker(t.Context(), gcp.Connection{Project: project, PubSubEmulator: addr}, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newTopic makes a topic that nobody has used.
func newTopic(t *testing.T, b *gcppubsub.Broker) realtime.Topic {
	t.Helper()
	topic := realtime.Topic("tw-" + strings.ToLower(rand.Text()))
	if err := b.EnsureTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	return topic
}

// Nothing makes up for the emulator here: a reading has no need of it.
func TestDurable(t *testing.T) {
	t.Parallel()
	realtimetest.TestDurable(t, realtimetest.Harness{
		Broker: func(t *testing.T) realtimetest.BrokerBackend {
			project := emulators.Project(t)
			return realtimetest.BrokerBackend{
				Open: func(t *testing.T) realtime.Broker { return openBroker(t, project, gcppubsub.BrokerOptions{}) },
				Topic: func(t *testing.T) realtime.Topic {
					b := openBroker(t, project, gcppubsub.BrokerOptions{})
					defer func() {
						if err := b.Close(context.Background()); err != nil {
							t.Error(err)
						}
					}()
					return newTopic(t, b)
				},
			}
		},
		Features: realtimetest.Features{Topics: true, Persistent: true},
		Patience: patience,
	})
}

func TestBroker(t *testing.T) {
	t.Parallel()
	realtimetest.TestBroker(t, realtimetest.Harness{
		Broker: func(t *testing.T) realtimetest.BrokerBackend {
			project, server := emulators.Project(t), before(t, servers.PubSub(t))
			return realtimetest.BrokerBackend{
				Open: func(t *testing.T) realtime.Broker {
					return pubsubemulator.NewBroker(openBrokerAt(t, server.addr, project, gcppubsub.BrokerOptions{}), nil)
				},
				Fail: func(_ *testing.T, m *realtime.Message) { server.fail(m.ID) },
				Topic: func(t *testing.T) realtime.Topic {
					b := openBroker(t, project, gcppubsub.BrokerOptions{})
					defer func() {
						if err := b.Close(context.Background()); err != nil {
							t.Error(err)
						}
					}()
					return newTopic(t, b)
				},
			}
		},
		Features: realtimetest.Features{Ordered: true, Replay: true, Persistent: true, Topics: true, Failures: true, MaxData: gcppubsub.MaxData},
		Patience: patience, // the emulator brings some 1,900 messages a second
		Large:    3000,
	})
}
