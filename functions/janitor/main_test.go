package janitor_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/functions/janitor"
	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
)

var servers emulators.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(servers.Main(m),
		// A dependency of the SDKs starts it when it is initialized, for ever.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// errStore is what a store says that fails.
var errStore = errors.New("the store does not want to")

// project is everything that a janitor sweeps, in memory.
type project struct {
	// before is called ahead of every operation, with nothing locked, and may make it fail or change the project.
	before func(op, name string) error

	mu     sync.Mutex // guards what follows
	subs   map[string]realtime.Subscription
	leases map[string]realtime.Lease
	docs   map[realtime.ConnectionRef]realtime.ConnectionDoc
	lost   map[string]int // by connection: how often it was handed over
}

func newProject() *project {
	return &project{
		subs: map[string]realtime.Subscription{}, leases: map[string]realtime.Lease{},
		docs: map[realtime.ConnectionRef]realtime.ConnectionDoc{}, lost: map[string]int{},
	}
}

// instance adds one that has what a gateway has: lease ended that long ago, or none if it is never,
// a subscription of each of two tenants and a connection of each, as old as age.
func (p *project) instance(name string, ended, age time.Duration) {
	now := time.Now()
	if ended != never {
		p.leases[name] = realtime.Lease{Instance: name, Until: now.Add(-ended), Sockets: 2}
	}
	for _, tenant := range []string{"acme", "globex"} {
		sub := realtime.Subscription{Name: "tw-" + tenant + "-" + name, Topic: realtime.Topic("tw-" + tenant), Instance: name, Created: now.Add(-age)}
		p.subs[sub.Name] = sub
		ref := realtime.ConnectionRef{Tenant: tenant, ID: name + "-1"}
		p.docs[ref] = realtime.ConnectionDoc{Tenant: tenant, ID: ref.ID, Instance: name, User: "ann", Connected: now.Add(-age), Expires: now.Add(time.Hour)}
	}
}

const never = time.Duration(-1 << 62)

// left names what there is of an instance: subscriptions, connections, leases.
func (p *project) left(name string) (n [3]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.subs {
		if s.Instance == name {
			n[0]++
		}
	}
	for _, d := range p.docs {
		if d.Instance == name {
			n[1]++
		}
	}
	if _, ok := p.leases[name]; ok {
		n[2] = 1
	}
	return n
}

// do makes one operation, which ends early with ctx.
func (p *project) do(ctx context.Context, op, name string, f func() error) error {
	if p.before != nil {
		if err := p.before(op, name); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return f()
}

// listed yields what collect returns.
func listed[T any](p *project, ctx context.Context, op, name string, collect func() []T) iter.Seq2[T, error] { //nolint:revive // the receiver of what cannot be a method
	return func(yield func(T, error) bool) {
		var all []T
		if err := p.do(ctx, op, name, func() error { all = collect(); return nil }); err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, item := range all {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (p *project) Subscriptions(ctx context.Context) iter.Seq2[realtime.Subscription, error] {
	return listed(p, ctx, "Subscriptions", "", func() []realtime.Subscription { return slices.Collect(maps.Values(p.subs)) })
}

func (p *project) DeleteSubscription(ctx context.Context, name string) error {
	return p.do(ctx, "DeleteSubscription", name, func() error {
		if _, ok := p.subs[name]; !ok {
			return realtime.Errorf(realtime.CodeNotFound, "there is no subscription %s", name)
		}
		delete(p.subs, name)
		return nil
	})
}

func (p *project) Leases(ctx context.Context) iter.Seq2[realtime.Lease, error] {
	return listed(p, ctx, "Leases", "", func() []realtime.Lease { return slices.Collect(maps.Values(p.leases)) })
}

func (p *project) Lease(ctx context.Context, instance string) (lease realtime.Lease, err error) {
	err = p.do(ctx, "Lease", instance, func() error {
		var ok bool
		if lease, ok = p.leases[instance]; !ok {
			return realtime.Errorf(realtime.CodeNotFound, "there is no lease of %s", instance)
		}
		return nil
	})
	return lease, err
}

func (p *project) DropLease(ctx context.Context, lease realtime.Lease) (dropped bool, err error) {
	err = p.do(ctx, "DropLease", lease.Instance, func() error {
		now, ok := p.leases[lease.Instance]
		if dropped = ok && now.Until.Equal(lease.Until); dropped {
			delete(p.leases, lease.Instance)
		}
		return nil
	})
	return dropped, err
}

func (p *project) Instances(ctx context.Context) iter.Seq2[string, error] {
	return listed(p, ctx, "Instances", "", func() []string {
		names := map[string]bool{}
		for _, d := range p.docs {
			names[d.Instance] = true
		}
		return slices.Collect(maps.Keys(names))
	})
}

func (p *project) ConnectionsOf(ctx context.Context, instance string) iter.Seq2[realtime.ConnectionDoc, error] {
	return listed(p, ctx, "ConnectionsOf", instance, func() []realtime.ConnectionDoc {
		var docs []realtime.ConnectionDoc
		for _, d := range p.docs {
			if d.Instance == instance {
				docs = append(docs, d)
			}
		}
		return docs
	})
}

func (p *project) Disconnect(ctx context.Context, refs []realtime.ConnectionRef) error {
	return p.do(ctx, "Disconnect", "", func() error {
		for _, ref := range refs {
			delete(p.docs, ref)
		}
		return nil
	})
}

func (p *project) Lost(ctx context.Context, docs []realtime.ConnectionDoc) error {
	return p.do(ctx, "Lost", docs[0].Instance, func() error {
		for _, d := range docs {
			p.lost[d.Tenant+"/"+d.ID]++
		}
		return nil
	})
}

// options sweep the project by the defaults.
func (p *project) options() janitor.Options {
	return janitor.Options{Subscriptions: p, Leases: p, Connections: p, Owed: p}
}
