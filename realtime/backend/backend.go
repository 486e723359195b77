package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Backend is where events, connections and tenants are kept.
type Backend struct {
	Broker      realtime.Broker
	Registry    realtime.Registry
	Revocations realtime.Revocations
	Tenants     realtime.TenantStore
	// States has the checkpoints of keyed state, which a keeper writes to StateWriter.
	States      realtime.StateStore
	StateWriter realtime.StateWriter
	Reader      realtime.DurableReader // of the topics, for a keeper
	// Occupancies and Events are what a gateway tells of channels that become occupied and vacated. Both are nil where nobody is told.
	Occupancies realtime.Occupancies
	Events      realtime.ChannelEvents
	// Subscriptions and Leases say which instances follow a topic, and live.
	Subscriptions realtime.SubscriptionStore
	Leases        realtime.LeaseStore
	// IDToken returns an ID token of the process's own account for an audience; nil where there is no such account.
	IDToken func(ctx context.Context, audience string) (string, error)
	// Topics makes the topics of tenants; nil where a topic begins with its first use.
	Topics realtime.TopicMaker
	// Placement says which topic carries a tenant. Whoever publishes or follows has to use it.
	Placement func(*realtime.Tenant) realtime.Topic

	closers []func(context.Context) error // in the order in which they are called
}

// Options are what a driver needs besides the word that chooses it. The zero value works.
type Options struct {
	// TenantsFile is a file of tenant documents, for memory alone; without one there are none at first.
	TenantsFile string
	// Database is the Firestore database, for gcp alone; empty is "(default)".
	Database string
	// PubSubRegion is the region in which Pub/Sub is spoken to and keeps messages, the same in every process, for gcp alone;
	// empty is the global address, with which order between publishers in different places does not hold.
	PubSubRegion string
	// PubSubEmulator and FirestoreEmulator are host:port of emulators to use instead of the
	// services, for gcp alone. It takes both or neither.
	PubSubEmulator, FirestoreEmulator string
	// LifecycleTopic is the topic that is told of channels, for gcp alone; empty is none. memory logs what happens to them.
	LifecycleTopic string
	// Shards is how many topics tenants share whose placement is pooled, the same in every process;
	// 0: every tenant has a topic of its own, whatever its document says.
	Shards int
	// Retention is how long every topic keeps messages at least, the same in every process: so far rules of windowFor and history may reach, and so long a
	// topic that is made keeps them. 0 is realtime.DefaultRetention.
	Retention time.Duration
	// Subscriptions is how many the project may have before no further topic is followed, for gcp
	// alone; 0 is the driver's default.
	Subscriptions int

	Metrics realtime.Metrics // nil forgets
	Logger  *slog.Logger     // nil discards
}

// Open opens the drivers that spec names. ctx bounds the opening alone; nothing is called before it is
// used. An error names spec and says what would be right.
func Open(ctx context.Context, spec string, o Options) (*Backend, error) {
	kind, name, named := strings.Cut(spec, ":")
	var b *Backend
	var err error
	switch {
	case kind == "memory" && !named:
		b, err = openMemory(o)
	case kind == "gcp" && name != "":
		b, err = openGCP(ctx, name, o)
	default:
		err = errors.New("must be memory or gcp:PROJECT")
	}
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", spec, err)
	}
	b.Placement = realtime.Placed(o.Shards)
	return b, nil
}

// EnsureTenant writes a tenant's document over whatever there is, and before it makes its topic, if topics
// need making. A tenant that is suspended stays so. It may be repeated.
func (b *Backend) EnsureTenant(ctx context.Context, t *realtime.Tenant) error {
	if b.Topics != nil {
		if err := b.Topics.EnsureTopic(ctx, b.Placement(t)); err != nil {
			return err
		}
	}
	for {
		stored, err := b.Tenants.Stored(ctx, t.ID)
		if realtime.CodeOf(err) == realtime.CodeNotFound {
			stored, err = &realtime.Tenant{}, nil
		}
		if err != nil {
			return err
		}
		doc := *t
		doc.Version, doc.Suspended = stored.Version, t.Suspended || stored.Suspended
		if _, err = b.Tenants.Put(ctx, &doc); err == nil || realtime.CodeOf(err) != realtime.CodeConflict {
			return err
		}
	}
}

// Close lets everything go, and waits for it until ctx ends. It may be called twice.
func (b *Backend) Close(ctx context.Context) error {
	var faults []error
	for _, c := range b.closers {
		faults = append(faults, c(ctx))
	}
	b.closers = nil
	return errors.Join(faults...)
}
