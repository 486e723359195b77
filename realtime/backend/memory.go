package backend

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// brokerBytes is what the topics of a process may keep: a quarter of what Go may use, if that is limited. Hubs have a
// budget.Budget for what they keep besides.
func brokerBytes() int {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return 0
	}
	return int(limit / 4)
}

func openMemory(o Options) (*Backend, error) {
	if o.Database != "" || o.PubSubEmulator != "" || o.FirestoreEmulator != "" || o.LifecycleTopic != "" {
		return nil, errors.New("a database, a topic or an emulator is only for gcp:PROJECT")
	}
	if o.Retention != 0 && o.Retention != realtime.DefaultRetention {
		return nil, fmt.Errorf("a retention other than %s is only for gcp:PROJECT", realtime.DefaultRetention)
	}
	tenants, err := memory.NewTenants()
	if o.TenantsFile != "" {
		tenants, err = memory.LoadTenantsFile(o.TenantsFile)
	}
	if err != nil {
		return nil, err
	}
	broker := memory.NewBroker(memory.BrokerOptions{Bytes: brokerBytes()})
	states, registry := memory.NewStates(), memory.NewRegistry()
	return &Backend{
		States: states, StateWriter: states, Reader: broker,
		Occupancies: memory.NewOccupancies(), Events: memory.NewEventLog(o.Logger),
		Broker: broker, Registry: registry, Leases: registry, Subscriptions: broker, Revocations: memory.NewRevocations(), Tenants: tenants,
		closers: []func(context.Context) error{broker.Close},
	}, nil
}
