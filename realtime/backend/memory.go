package backend

import (
	"errors"

	"github.com/tidewire/tidewire/realtime/driver/memory"
)

func openMemory(o Options) (*Backend, error) {
	if o.Database != "" || o.PubSubEmulator != "" || o.FirestoreEmulator != "" {
		return nil, errors.New("a database or an emulator is for gcp:PROJECT")
	}
	tenants, err := memory.NewTenants()
	if o.TenantsFile != "" {
		tenants, err = memory.LoadTenantsFile(o.TenantsFile)
	}
	if err != nil {
		return nil, err
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	return &Backend{
		Broker: broker, Registry: memory.NewRegistry(), Revocations: memory.NewRevocations(), Tenants: tenants,
		closers: []func() error{broker.Close},
	}, nil
}
