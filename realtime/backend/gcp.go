package backend

import (
	"context"
	"errors"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpidentity"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/driver/gcp/pubsubemulator"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

func openGCP(ctx context.Context, project string, o Options) (*Backend, error) {
	switch {
	case o.TenantsFile != "":
		return nil, errors.New("a file of tenant documents is only for memory; with gcp, tenant documents are in Firestore")
	case (o.PubSubEmulator == "") != (o.FirestoreEmulator == ""):
		return nil, errors.New("only one emulator is set; set both or neither")
	}
	c := gcp.Connection{Project: project, Database: o.Database, Region: o.PubSubRegion, PubSubEmulator: o.PubSubEmulator, FirestoreEmulator: o.FirestoreEmulator, Metrics: o.Metrics}
	topics, err := gcppubsub.OpenBroker(ctx, c, gcppubsub.BrokerOptions{Retention: o.Retention, Subscriptions: o.Subscriptions, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	var broker realtime.Broker = topics
	if o.PubSubEmulator != "" {
		broker = pubsubemulator.NewBroker(topics, o.Logger)
	}
	store, err := gcpfirestore.Open(ctx, c)
	if err != nil {
		return nil, errors.Join(err, broker.Close(ctx))
	}
	tenants := tenantcache.New(gcpfirestore.NewTenants(store, gcpfirestore.TenantsOptions{Retention: topics.Retention(), Metrics: o.Metrics, Logger: o.Logger}), tenantcache.Options{Metrics: o.Metrics, Logger: o.Logger})
	registry := gcpfirestore.NewRegistry(store, gcpfirestore.RegistryOptions{Metrics: o.Metrics, Logger: o.Logger})
	states := gcpfirestore.NewStates(store, gcpfirestore.StatesOptions{Metrics: o.Metrics, Logger: o.Logger})
	b := &Backend{
		States: states, StateWriter: states, Reader: topics,
		Broker: broker, Topics: topics, Tenants: tenants,
		Registry: registry, Leases: registry, Subscriptions: topics,
		Revocations: gcpfirestore.NewRevocations(store, gcpfirestore.RevocationsOptions{Metrics: o.Metrics, Logger: o.Logger}),
		closers: []func(context.Context) error{
			broker.Close,
			func(context.Context) error { return errors.Join(tenants.Close(), store.Close()) },
		},
	}
	if o.PubSubEmulator == "" {
		b.IDToken = gcpidentity.New().Token
	}
	if o.LifecycleTopic == "" {
		return b, nil
	}
	events, err := gcppubsub.OpenChannelEvents(ctx, c, o.LifecycleTopic)
	if err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	b.Events, b.Occupancies = events, gcpfirestore.NewOccupancies(store, gcpfirestore.OccupanciesOptions{Metrics: o.Metrics, Logger: o.Logger})
	b.closers = append(b.closers, func(context.Context) error { return events.Close() })
	return b, nil
}
