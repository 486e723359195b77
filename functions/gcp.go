package functions

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tidewire/tidewire/functions/janitor"
	keeperfunction "github.com/tidewire/tidewire/functions/keeper"
	"github.com/tidewire/tidewire/functions/settings"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcppubsub"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

func (p *program) connection(metrics realtime.Metrics) gcp.Connection {
	s := &p.settings
	return gcp.Connection{Metrics: metrics, Project: s.Project, Database: s.Database, Region: s.PubSubRegion, PubSubEmulator: s.PubSubEmulator, FirestoreEmulator: s.FirestoreEmulator}
}

// openCloudStores opens what ingest needs of Google Cloud, without asking it for anything yet.
func (p *program) openCloudStores(ctx context.Context, metrics realtime.Metrics) (*stores, error) {
	ctx = context.WithoutCancel(ctx) // clients may keep it
	db, err := gcpfirestore.Open(ctx, p.connection(metrics))
	if err != nil {
		return nil, err
	}
	broker, err := gcppubsub.OpenBroker(ctx, p.connection(metrics), gcppubsub.BrokerOptions{Retention: p.settings.Retention, Logger: p.log})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	tenants := tenantcache.New(gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{Retention: broker.Retention(), Metrics: metrics, Logger: p.log}), tenantcache.Options{Logger: p.log})
	closing := func(ctx context.Context) error { return errors.Join(broker.Close(ctx), tenants.Close(), db.Close()) }
	return &stores{tenants: tenants, revocations: gcpfirestore.NewRevocations(db, gcpfirestore.RevocationsOptions{Metrics: metrics, Logger: p.log}), broker: broker, close: closing}, nil
}

// openCloudTenants opens the documents of tenants alone.
func (p *program) openCloudTenants(ctx context.Context) (realtime.Tenants, shutdown.Step, error) {
	db, err := gcpfirestore.Open(context.WithoutCancel(ctx), p.connection(nil))
	if err != nil {
		return nil, nil, err
	}
	tenants := tenantcache.New(gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{Retention: p.settings.Retention, Logger: p.log}), tenantcache.Options{Logger: p.log})
	return tenants, func(context.Context) error { return errors.Join(tenants.Close(), db.Close()) }, nil
}

// openJanitor opens functions/janitor.
func (p *program) openJanitor(ctx context.Context) (http.Handler, shutdown.Step, error) {
	if p.settings.Backend != settings.GCP {
		return nil, nil, fmt.Errorf("TIDEWIRE_BACKEND: must be gcp:PROJECT for the janitor, got %s", p.settings.Backend)
	}
	ctx = context.WithoutCancel(ctx) // clients may keep it
	db, err := gcpfirestore.Open(ctx, p.connection(nil))
	if err != nil {
		return nil, nil, err
	}
	broker, err := gcppubsub.OpenBroker(ctx, p.connection(nil), gcppubsub.BrokerOptions{Retention: p.settings.Retention, Logger: p.log})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	registry := gcpfirestore.NewRegistry(db, gcpfirestore.RegistryOptions{Logger: p.log})
	o := janitor.Options{
		Subscriptions: broker, Leases: registry, Connections: registry,
		Grace: p.settings.JanitorGrace, MaxTime: p.settings.JanitorTime, Logger: p.log,
	}
	if p.settings.LifecycleTopic == "" {
		return janitor.New(o), func(ctx context.Context) error { return errors.Join(broker.Close(ctx), db.Close()) }, nil
	}
	lost, err := gcppubsub.OpenLost(ctx, p.connection(nil), p.settings.LifecycleTopic)
	if err != nil {
		return nil, nil, errors.Join(err, broker.Close(ctx), db.Close())
	}
	events, err := gcppubsub.OpenChannelEvents(ctx, p.connection(nil), p.settings.LifecycleTopic)
	if err != nil {
		return nil, nil, errors.Join(err, lost.Close(), broker.Close(ctx), db.Close())
	}
	o.Owed, o.Events = lost, events
	o.Channels = gcpfirestore.NewOccupancies(db, gcpfirestore.OccupanciesOptions{Logger: p.log})
	closing := func(ctx context.Context) error {
		return errors.Join(lost.Close(), events.Close(), broker.Close(ctx), db.Close())
	}
	return janitor.New(o), closing, nil
}

// openKeeper opens functions/keeper.
func (p *program) openKeeper(ctx context.Context) (http.Handler, shutdown.Step, error) {
	if p.settings.Backend != settings.GCP {
		return nil, nil, fmt.Errorf("TIDEWIRE_BACKEND: must be gcp:PROJECT for the keeper, got %s", p.settings.Backend)
	}
	ctx = context.WithoutCancel(ctx) // clients may keep it
	db, err := gcpfirestore.Open(ctx, p.connection(nil))
	if err != nil {
		return nil, nil, err
	}
	broker, err := gcppubsub.OpenBroker(ctx, p.connection(nil), gcppubsub.BrokerOptions{Retention: p.settings.Retention, Logger: p.log})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	tenants := tenantcache.New(gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{Retention: broker.Retention(), Logger: p.log}), tenantcache.Options{Logger: p.log})
	k := keeper.New(keeper.Options{
		Broker: broker, Reader: broker, Tenants: tenants, States: gcpfirestore.NewStates(db, gcpfirestore.StatesOptions{Logger: p.log}),
		Placement: realtime.Placed(p.settings.Shards), MaxTime: p.settings.KeeperTime, Logger: p.log,
	})
	closing := func(ctx context.Context) error { return errors.Join(broker.Close(ctx), tenants.Close(), db.Close()) }
	return keeperfunction.New(k, p.log), closing, nil
}
