// Package storage opens the backend of a service that uses all of it.
package storage

import (
	"context"

	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/services/cloudrun"
)

// Open opens the backend, which is closed at the end.
func Open(ctx context.Context, p *cloudrun.Parts) (*backend.Backend, error) {
	s := &p.Config.Storage
	b, err := backend.Open(ctx, p.Config.Backend, backend.Options{
		TenantsFile: s.TenantsFile, Database: s.Database, PubSubRegion: s.PubSubRegion, Shards: s.Shards, Retention: s.Retention, Subscriptions: s.Subscriptions, LifecycleTopic: s.LifecycleTopic,
		PubSubEmulator: s.PubSubEmulator, FirestoreEmulator: s.FirestoreEmulator,
		Logger: p.Log, Metrics: p.Metrics,
	})
	if err == nil {
		p.Closing(b.Close)
	}
	return b, err
}
