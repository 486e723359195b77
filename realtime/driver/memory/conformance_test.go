package memory_test

import (
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/realtimetest"
)

func harness() realtimetest.Harness {
	const maxData = 1 << 20
	return realtimetest.Harness{
		Broker: func(*testing.T) realtimetest.BrokerBackend {
			b := memory.NewBroker(memory.BrokerOptions{
				MessageBytes: maxData,
				Topics:       func(t realtime.Topic) bool { return t != "no-such-topic" },
			})
			return realtimetest.BrokerBackend{Open: func(*testing.T) realtime.Broker { return b }}
		},
		Registry: func(*testing.T) realtime.Registry { return memory.NewRegistry() },
		Revocations: func(*testing.T) [2]realtime.Revocations {
			r := memory.NewRevocations()
			return [2]realtime.Revocations{r, r}
		},
		Tenants: func(t *testing.T) [2]realtime.TenantStore {
			tenants, err := memory.NewTenants()
			if err != nil {
				t.Fatal(err)
			}
			return [2]realtime.TenantStore{tenants, tenants}
		},
		Leftovers: func(*testing.T) realtimetest.Leftovers {
			r, b := memory.NewRegistry(), memory.NewBroker(memory.BrokerOptions{})
			return realtimetest.Leftovers{Registry: r, Leases: r, Connections: r, Subscriptions: b, Broker: b, Topic: "topic"}
		},
		Features: realtimetest.Features{Ordered: true, SameOrder: true, Replay: true, Topics: true, MaxData: maxData},
	}
}

func TestBroker(t *testing.T) {
	t.Parallel()
	realtimetest.TestBroker(t, harness())
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	realtimetest.TestRegistry(t, harness())
}

func TestRevocations(t *testing.T) {
	t.Parallel()
	realtimetest.TestRevocations(t, harness())
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	realtimetest.TestLeftovers(t, harness())
}

func TestTenants(t *testing.T) {
	t.Parallel()
	realtimetest.TestTenants(t, harness())
}
