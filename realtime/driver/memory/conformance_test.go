package memory_test

import (
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/realtimetest"
	"github.com/tidewire/tidewire/realtime/realtimetest/occupancytest"
	"github.com/tidewire/tidewire/realtime/realtimetest/storetest"
)

func TestBroker(t *testing.T) {
	t.Parallel()
	const maxData = 1 << 20
	realtimetest.TestBroker(t, realtimetest.Harness{
		Broker: func(*testing.T) realtimetest.BrokerBackend {
			b := memory.NewBroker(memory.BrokerOptions{
				MessageBytes: maxData, SingleChannels: true,
				Topics: func(t realtime.Topic) bool { return t != "no-such-topic" },
			})
			return realtimetest.BrokerBackend{Open: func(*testing.T) realtime.Broker { return b }}
		},
		Features: realtimetest.Features{Ordered: true, SameOrder: true, Replay: true, SingleChannels: true, Topics: true, MaxData: maxData},
	})
}

func TestDurable(t *testing.T) {
	t.Parallel()
	realtimetest.TestDurable(t, realtimetest.Harness{
		Broker: func(*testing.T) realtimetest.BrokerBackend {
			b := memory.NewBroker(memory.BrokerOptions{Topics: func(t realtime.Topic) bool { return t != "no-such-topic" }})
			return realtimetest.BrokerBackend{Open: func(*testing.T) realtime.Broker { return b }}
		},
		Features: realtimetest.Features{Topics: true},
	})
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	storetest.TestRegistry(t, storetest.Harness{Registry: func(*testing.T) realtime.Registry { return memory.NewRegistry() }})
}

func TestRevocations(t *testing.T) {
	t.Parallel()
	storetest.TestRevocations(t, storetest.Harness{Revocations: func(*testing.T) [2]realtime.Revocations {
		r := memory.NewRevocations()
		return [2]realtime.Revocations{r, r}
	}})
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	storetest.TestLeftovers(t, storetest.Harness{Leftovers: func(*testing.T) storetest.Leftovers {
		r, b := memory.NewRegistry(), memory.NewBroker(memory.BrokerOptions{})
		return storetest.Leftovers{Registry: r, Leases: r, Connections: r, Subscriptions: b, Broker: b, Topic: "topic"}
	}})
}

func TestTenants(t *testing.T) {
	t.Parallel()
	storetest.TestTenants(t, storetest.Harness{Tenants: func(t *testing.T) [2]realtime.TenantStore {
		tenants, err := memory.NewTenants()
		if err != nil {
			t.Fatal(err)
		}
		return [2]realtime.TenantStore{tenants, tenants}
	}})
}

func TestTenantSource(t *testing.T) {
	t.Parallel()
	storetest.TestTenantSource(t, storetest.Harness{TenantSource: func(t *testing.T) storetest.TenantSource {
		tenants, err := memory.NewTenants()
		if err != nil {
			t.Fatal(err)
		}
		return storetest.TenantSource{Source: tenants, Store: tenants}
	}})
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	storetest.TestLostConnections(t, storetest.Harness{Lost: func(*testing.T) storetest.Lost {
		lost := memory.NewLost()
		return storetest.Lost{Connections: lost, Taken: func(*testing.T) []realtime.ConnectionDoc { return lost.Take() }}
	}})
}

func TestStates(t *testing.T) {
	t.Parallel()
	storetest.TestStates(t, storetest.Harness{States: func(*testing.T) [2]storetest.States {
		s := memory.NewStates()
		return [2]storetest.States{s, s}
	}})
}

func TestOccupancies(t *testing.T) {
	t.Parallel()
	occupancytest.Test(t, func(*testing.T) [2]realtime.Occupancies {
		o := memory.NewOccupancies()
		return [2]realtime.Occupancies{o, o}
	})
}
