package memory

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

var (
	_ realtime.LeaseStore        = (*Registry)(nil)
	_ realtime.ConnectionStore   = (*Registry)(nil)
	_ realtime.SubscriptionStore = (*Broker)(nil)
)

// leaseKept is how long a lease that has ended stays, so that a janitor can see it.
const leaseKept = 24 * time.Hour

// Leases yields the leases of all instances as they are when the loop begins. One that was released is gone.
func (r *Registry) Leases(ctx context.Context) iter.Seq2[realtime.Lease, error] {
	return each(ctx, func() []realtime.Lease {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return slices.Collect(maps.Values(r.leases))
	})
}

// Lease returns the lease of an instance.
func (r *Registry) Lease(ctx context.Context, instance string) (realtime.Lease, error) {
	if err := ctx.Err(); err != nil {
		return realtime.Lease{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	lease, ok := r.leases[instance]
	if !ok {
		return realtime.Lease{}, realtime.Errorf(realtime.CodeNotFound, "instance %q has no lease", instance)
	}
	return lease, nil
}

// DropLease removes a lease that has not been renewed since.
func (r *Registry) DropLease(ctx context.Context, lease realtime.Lease) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	have, ok := r.leases[lease.Instance]
	if !ok || !have.Until.Equal(lease.Until) {
		return false, nil
	}
	delete(r.leases, lease.Instance)
	return true, nil
}

// Instances yields the instances that documents name when the loop begins.
func (r *Registry) Instances(ctx context.Context) iter.Seq2[string, error] {
	return each(ctx, func() []string {
		r.mu.RLock()
		defer r.mu.RUnlock()
		names := map[string]struct{}{}
		for _, docs := range r.tenants {
			for _, d := range docs {
				names[d.Instance] = struct{}{}
			}
		}
		return slices.Collect(maps.Keys(names))
	})
}

// ConnectionsOf yields copies of the documents that name an instance when the loop begins.
func (r *Registry) ConnectionsOf(ctx context.Context, instance string) iter.Seq2[realtime.ConnectionDoc, error] {
	return each(ctx, func() (found []realtime.ConnectionDoc) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		for _, docs := range r.tenants {
			for _, d := range docs {
				if d.Instance == instance {
					found = append(found, clone(&d))
				}
			}
		}
		return found
	})
}

// Subscriptions yields the streams that are open when the loop begins.
func (b *Broker) Subscriptions(ctx context.Context) iter.Seq2[realtime.Subscription, error] {
	return each(ctx, func() (all []realtime.Subscription) {
		for _, s := range b.open() {
			if s.instance == "" {
				continue // of a reading, which is no instance's
			}
			all = append(all, realtime.Subscription{Name: s.name(), Topic: s.topic.name, Instance: s.instance, Created: s.created})
		}
		return all
	})
}

// DeleteSubscription ends the stream of a name.
func (b *Broker) DeleteSubscription(ctx context.Context, name string) error {
	for _, s := range b.open() {
		if s.name() == name {
			return s.Close(ctx)
		}
	}
	return nil
}

// open returns the streams of all topics.
func (b *Broker) open() (all []*stream) {
	b.mu.RLock()
	topics := slices.Collect(maps.Values(b.topics))
	b.mu.RUnlock()
	for _, t := range topics {
		t.mu.Lock()
		all = slices.AppendSeq(all, maps.Keys(t.streams))
		t.mu.Unlock()
	}
	return all
}

// name is that of the stream as a subscription.
func (s *stream) name() string { return fmt.Sprintf("%s/%s/%d", s.topic.name, s.instance, s.number) }

// each yields what list returns, until ctx ends.
func each[T any](ctx context.Context, list func() []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if err := ctx.Err(); err != nil {
			yield(none, err)
			return
		}
		for _, item := range list() {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}
