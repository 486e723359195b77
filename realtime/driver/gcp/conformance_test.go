package gcp_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/realtimetest"
)

// openBroker returns a broker on the emulator, which the caller closes.
func openBroker(t *testing.T, project string, o gcp.BrokerOptions) *gcp.Broker {
	t.Helper()
	b, err := gcp.OpenBroker(t.Context(), gcp.Connection{Project: project, PubSubEmulator: servers.PubSub(t)}, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newTopic makes a topic that nobody has used.
func newTopic(t *testing.T, b *gcp.Broker) realtime.Topic {
	t.Helper()
	topic := realtime.Topic("tw-" + strings.ToLower(rand.Text()))
	if err := b.EnsureTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	return topic
}

func TestBroker(t *testing.T) {
	t.Parallel()
	realtimetest.TestBroker(t, realtimetest.Harness{
		Broker: func(t *testing.T) realtimetest.BrokerBackend {
			project := emulators.Project(t)
			return realtimetest.BrokerBackend{
				Open: func(t *testing.T) realtime.Broker { return openBroker(t, project, gcp.BrokerOptions{}) },
				Topic: func(t *testing.T) realtime.Topic {
					b := openBroker(t, project, gcp.BrokerOptions{})
					defer func() {
						if err := b.Close(); err != nil {
							t.Error(err)
						}
					}()
					return newTopic(t, b)
				},
			}
		},
		Features: realtimetest.Features{Ordered: true, Replay: true, Persistent: true, Topics: true, MaxData: gcp.MaxData},
		Patience: 30e9, // the emulator brings some 1,900 messages a second
		Large:    3000,
	})
}
