package realtime

import (
	"context"
	"iter"
	"time"
)

// What is here reads and removes what instances have left that have died: leases, connection documents, subscriptions. The
// janitor uses it. A driver whose store needs no janitor implements none of it. Iterators yield an error at most as
// the last, and none after the loop has ended. storetest.TestLeftovers is these contracts as a test, but for LostConnections, whose is storetest.TestLostConnections.

// LeaseStore are the leases of all instances, alive or not. Implementations are safe for concurrent use.
type LeaseStore interface {
	// Leases yields all there are, in no order, also those that have ended; they stay for a day at
	// least, or until DropLease, unless Release removes them at once. One that its instance has released has Sockets 0, and
	// no other: so the janitor knows who has ended in order.
	Leases(ctx context.Context) iter.Seq2[Lease, error]
	// Lease reads the lease of one instance as it is now, never what is remembered of it. CodeNotFound says that there is none.
	Lease(ctx context.Context, instance string) (Lease, error)
	// DropLease removes a lease, unless it has been renewed since it was read as lease, or is gone: then it
	// reports false. Of several that drop one at a time one is told true.
	DropLease(ctx context.Context, lease Lease) (bool, error)
}

// ConnectionStore are the connection documents of all tenants, alive or not; those that have expired may be missing.
// Implementations are safe for concurrent use.
type ConnectionStore interface {
	// Instances yields the instances that documents name, each once.
	Instances(ctx context.Context) iter.Seq2[string, error]
	// ConnectionsOf yields the documents that name an instance. They may be removed while it goes on, which leaves none
	// out. Of one that is malformed only Tenant, ID and Instance are told, so that it can be removed.
	ConnectionsOf(ctx context.Context, instance string) iter.Seq2[ConnectionDoc, error]
	// Disconnect is that of Registry.
	Disconnect(ctx context.Context, refs []ConnectionRef) error
}

// Subscription is what a Broker keeps for a Stream, and what an instance leaves behind that dies without closing it.
type Subscription struct {
	Name     string // for DeleteSubscription
	Topic    Topic  // empty if it is gone
	Instance string // that follows or has followed
	Created  time.Time
}

// SubscriptionStore are the subscriptions of all instances. Implementations are safe for concurrent use.
type SubscriptionStore interface {
	// Subscriptions yields all that Brokers have made and that are still there, in no order.
	Subscriptions(ctx context.Context) iter.Seq2[Subscription, error]
	// DeleteSubscription removes one by its name. That it is not there is no error, or one with CodeNotFound. A Stream
	// that uses it ends.
	DeleteSubscription(ctx context.Context, name string) error
}

// LostConnections takes over connections whose instance has died without releasing its lease, and so without
// having run their disconnect hook. Implementations are safe for concurrent use.
type LostConnections interface {
	// Lost returns nil once somebody has taken over all of them for good. It may be called again
	// for the same connection, also after it has returned nil. It does not keep docs.
	Lost(ctx context.Context, docs []ConnectionDoc) error
}
