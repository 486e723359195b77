package janitor

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// chunk is how many connections are handed over and deleted at once.
const chunk = 200

// sweep is one run.
type sweep struct {
	o     *Options
	start time.Time

	mu     sync.Mutex // guards report
	report Report
}

// suspect is an instance that seems dead, and what it has left.
type suspect struct {
	instance      string
	subscriptions []realtime.Subscription
	connections   bool
	lease         bool
}

// run removes what the dead have left, or returns why nobody can tell who that is.
func (s *sweep) run(ctx context.Context) error {
	s.settleChannels(ctx)
	suspects, err := s.suspects(ctx)
	if err != nil {
		return err
	}
	if len(suspects) == 0 {
		return nil
	}
	// Whoever could not renew because the store was down renews now that it answers.
	confirmed := time.NewTimer(s.o.Confirm)
	defer confirmed.Stop()
	select {
	case <-confirmed.C:
	case <-ctx.Done():
		s.more()
		return nil
	}
	each(ctx, s.o.Parallel, suspects, s.bury)
	if ctx.Err() != nil {
		s.more()
	}
	return nil
}

// suspects returns who has left something behind, and counts what there is. It reads
// the leases last: an instance that was seen to hold something and
// is alive has had all the time until then to write one.
func (s *sweep) suspects(ctx context.Context) ([]*suspect, error) {
	all := map[string]*suspect{}
	of := func(instance string) *suspect {
		if all[instance] == nil {
			all[instance] = &suspect{instance: instance}
		}
		return all[instance]
	}
	for sub, err := range s.o.Subscriptions.Subscriptions(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list subscriptions: %w", err)
		}
		s.report.Subscriptions.Seen++
		if s.old(sub.Created) {
			left := of(sub.Instance)
			left.subscriptions = append(left.subscriptions, sub)
		}
	}
	for instance, err := range s.o.Connections.Instances(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list instances of connections: %w", err)
		}
		of(instance).connections = true
	}
	for lease, err := range s.o.Leases.Leases(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list leases: %w", err)
		}
		s.report.Leases.Seen++
		if s.old(lease.Until) {
			of(lease.Instance).lease = true
		} else {
			delete(all, lease.Instance)
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *suspect) int { return strings.Compare(a.instance, b.instance) }), nil
}

// old reports whether a moment is longer ago than the grace, as seen from the start of the run.
func (s *sweep) old(t time.Time) bool { return s.start.Sub(t) > s.o.Grace }

// bury removes what a suspect has left if it is dead.
func (s *sweep) bury(ctx context.Context, d *suspect) {
	lease, dead, err := s.confirm(ctx, d.instance)
	if err != nil {
		s.failed(ctx, "read the lease again", d.instance, err)
		return
	}
	if !dead {
		return
	}
	s.count(func(r *Report) { r.Dead++ })
	if !s.vacate(ctx, d.instance) {
		return // what else it has left is how the next run finds it
	}
	var left atomic.Bool // there is something that the next run has to remove
	each(ctx, s.o.Parallel, d.subscriptions, func(ctx context.Context, sub realtime.Subscription) {
		if !s.unfollow(ctx, sub) {
			left.Store(true)
		}
	})
	owes := lease.Instance == "" || lease.Sockets != 0 // who has released it has ended in order
	if d.connections && !s.disconnect(ctx, d.instance, owes) {
		left.Store(true)
	}
	if d.lease && !left.Load() && ctx.Err() == nil {
		s.drop(ctx, lease)
	}
}

// confirm reads the lease of a suspect again and reports whether the instance is dead.
func (s *sweep) confirm(ctx context.Context, instance string) (realtime.Lease, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	lease, err := s.o.Leases.Lease(ctx, instance)
	if err != nil {
		if realtime.CodeOf(err) == realtime.CodeNotFound {
			return realtime.Lease{}, true, nil
		}
		return realtime.Lease{}, false, err
	}
	return lease, s.old(lease.Until), nil
}

// unfollow deletes a subscription and reports whether it is gone.
func (s *sweep) unfollow(ctx context.Context, sub realtime.Subscription) bool {
	call, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	err := s.o.Subscriptions.DeleteSubscription(call, sub.Name)
	switch {
	case err == nil:
		s.count(func(r *Report) { r.Subscriptions.Deleted++ })
	case realtime.CodeOf(err) == realtime.CodeNotFound: // another run was faster
	default:
		s.failed(ctx, "delete a subscription", sub.Instance, err)
		return false
	}
	return true
}

// disconnect hands over, if they owe something, and deletes the connections of a dead instance. It reports whether
// none is left.
func (s *sweep) disconnect(ctx context.Context, instance string, owes bool) bool {
	none := true
	for docs, err := range chunks(s.o.Connections.ConnectionsOf(ctx, instance), chunk) {
		if err != nil {
			s.failed(ctx, "list connections", instance, err)
			return false
		}
		old := slices.DeleteFunc(docs, func(d realtime.ConnectionDoc) bool { return !s.old(d.Connected) })
		if len(old) < len(docs) {
			none = false // the instance has just started, or has a new socket after a long time
		}
		if len(old) == 0 {
			continue
		}
		s.count(func(r *Report) { r.Connections.Seen += len(old) })
		if !s.settle(ctx, instance, old, owes) {
			none = false
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return none
}

// settle hands connections over and deletes them, and reports whether they are gone.
func (s *sweep) settle(ctx context.Context, instance string, docs []realtime.ConnectionDoc, owes bool) bool {
	call, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	lost := slices.DeleteFunc(slices.Clone(docs), func(d realtime.ConnectionDoc) bool { return d.Check() != nil }) // of what is malformed nothing can be told
	if s.o.Owed != nil && owes && len(lost) > 0 {
		if err := s.o.Owed.Lost(call, lost); err != nil {
			s.failed(ctx, "hand over lost connections", instance, err)
			return false
		}
		s.count(func(r *Report) { r.Lost += len(lost) })
	}
	refs := make([]realtime.ConnectionRef, len(docs))
	for i, d := range docs {
		refs[i] = realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID}
	}
	if err := s.o.Connections.Disconnect(call, refs); err != nil {
		s.failed(ctx, "delete connections", instance, err)
		return false
	}
	s.count(func(r *Report) { r.Connections.Deleted += len(docs) })
	return true
}

// drop removes the lease of an instance of which nothing else is left.
func (s *sweep) drop(ctx context.Context, lease realtime.Lease) {
	if lease.Instance == "" {
		return // it has gone meanwhile
	}
	call, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	dropped, err := s.o.Leases.DropLease(call, lease)
	switch {
	case err != nil:
		s.failed(ctx, "drop the lease", lease.Instance, err)
	case dropped:
		s.count(func(r *Report) { r.Leases.Deleted++ })
	}
}

func (s *sweep) count(add func(*Report)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add(&s.report)
}

func (s *sweep) more() { s.count(func(r *Report) { r.More = true }) }

// failed counts and logs what failed, unless it failed because the time is up.
func (s *sweep) failed(ctx context.Context, what, instance string, err error) {
	if ctx.Err() != nil {
		return
	}
	s.count(func(r *Report) { r.Errors++ })
	s.o.Logger.WarnContext(ctx, "something is left for the next run", realtime.KeyReason, what, realtime.KeyInstance, instance, realtime.KeyError, err)
}

// each calls f for every item, some at once, until ctx ends, and waits for the calls.
func each[T any](ctx context.Context, parallel int, items []T, f func(context.Context, T)) {
	var calls sync.WaitGroup
	defer calls.Wait()
	room := make(chan struct{}, parallel)
	for _, item := range items {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return
		}
		calls.Go(func() {
			defer func() { <-room }()
			f(ctx, item)
		})
	}
}

// chunks gathers a sequence; an error comes alone and last.
func chunks[T any](seq iter.Seq2[T, error], size int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var gathered []T
		for item, err := range seq {
			if err != nil {
				if len(gathered) == 0 || yield(gathered, nil) {
					yield(nil, err)
				}
				return
			}
			if gathered = append(gathered, item); len(gathered) == size {
				if !yield(gathered, nil) {
					return
				}
				gathered = nil
			}
		}
		if len(gathered) > 0 {
			yield(gathered, nil)
		}
	}
}
