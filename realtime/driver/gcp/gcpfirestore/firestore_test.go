package gcpfirestore_test

import (
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/realtimetest/occupancytest"
	"github.com/tidewire/tidewire/realtime/realtimetest/storetest"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// patience is how long a test waits for an emulator.
const patience = 30 * time.Second

// open returns a client of a project at an emulator, which is closed with the test.
func open(t testing.TB, addr, project string) *firestore.Client {
	t.Helper()
	db, err := gcpfirestore.Open(t.Context(), gcp.Connection{Project: project, FirestoreEmulator: addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// fresh returns a client of a project that nobody has used.
func fresh(t testing.TB) *firestore.Client {
	t.Helper()
	return open(t, servers.Firestore(t), emulators.Project(t))
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	storetest.TestRegistry(t, storetest.Harness{
		Patience: patience,
		Registry: func(t *testing.T) realtime.Registry {
			return gcpfirestore.NewRegistry(fresh(t), gcpfirestore.RegistryOptions{Timeout: patience})
		},
	})
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	storetest.TestLeftovers(t, storetest.Harness{
		Patience: patience,
		Leftovers: func(t *testing.T) storetest.Leftovers {
			r := gcpfirestore.NewRegistry(fresh(t), gcpfirestore.RegistryOptions{Timeout: patience})
			b, err := gcppubsub.OpenBroker(t.Context(), gcp.Connection{Project: emulators.Project(t), PubSubEmulator: servers.PubSub(t)}, gcppubsub.BrokerOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := b.EnsureTopic(t.Context(), "tw-acme"); err != nil {
				t.Fatal(err)
			}
			return storetest.Leftovers{Registry: r, Leases: r, Connections: r, Subscriptions: b, Broker: b, Topic: "tw-acme"}
		},
	})
}

func TestRevocations(t *testing.T) {
	t.Parallel()
	storetest.TestRevocations(t, storetest.Harness{
		Revocations: func(t *testing.T) [2]realtime.Revocations {
			db := fresh(t)
			return [2]realtime.Revocations{gcpfirestore.NewRevocations(db, gcpfirestore.RevocationsOptions{}), gcpfirestore.NewRevocations(db, gcpfirestore.RevocationsOptions{})}
		},
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	storetest.TestStates(t, storetest.Harness{
		Patience: patience,
		States: func(t *testing.T) [2]storetest.States {
			db := fresh(t)
			o := gcpfirestore.StatesOptions{Timeout: patience}
			return [2]storetest.States{gcpfirestore.NewStates(db, o), gcpfirestore.NewStates(db, o)}
		},
	})
}

func TestOccupancies(t *testing.T) {
	t.Parallel()
	occupancytest.Test(t, func(t *testing.T) [2]realtime.Occupancies {
		db := fresh(t)
		o := gcpfirestore.OccupanciesOptions{Timeout: patience}
		return [2]realtime.Occupancies{gcpfirestore.NewOccupancies(db, o), gcpfirestore.NewOccupancies(db, o)}
	})
}

func TestTenants(t *testing.T) {
	t.Parallel()
	storetest.TestTenants(t, storetest.Harness{
		Patience: patience,
		Tenants: func(t *testing.T) [2]realtime.TenantStore {
			db := fresh(t)
			return [2]realtime.TenantStore{tenants(t, db, gcpfirestore.TenantsOptions{Timeout: patience}), tenants(t, db, gcpfirestore.TenantsOptions{Timeout: patience})}
		},
	})
}

func TestTenantSource(t *testing.T) {
	t.Parallel()
	storetest.TestTenantSource(t, storetest.Harness{
		TenantSource: func(t *testing.T) storetest.TenantSource {
			db := fresh(t)
			all := gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{Timeout: patience})
			return storetest.TenantSource{Source: all, Store: all, Spoil: func(t *testing.T, id string) {
				set(t, db.Collection("tenants").Doc(id), map[string]any{"limits": "none", "updatedAt": firestore.ServerTimestamp})
			}}
		},
	})
}

// tenants returns Tenants that are closed with the test.
func tenants(t testing.TB, db *firestore.Client, o gcpfirestore.TenantsOptions) *tenantcache.Cache {
	t.Helper()
	all := tenantcache.New(gcpfirestore.NewTenants(db, o), tenantcache.Options{Poll: 50 * time.Millisecond, Timeout: o.Timeout})
	t.Cleanup(func() {
		if err := all.Close(); err != nil {
			t.Error(err)
		}
	})
	return all
}
