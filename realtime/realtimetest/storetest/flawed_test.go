package storetest

import (
	"context"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

type oneTenant struct{ realtime.Registry }

func (r oneTenant) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	docs = slices.Clone(docs)
	for i := range docs {
		docs[i].Tenant = "one"
	}
	return r.Registry.Connect(ctx, docs)
}

func (r oneTenant) Connections(ctx context.Context, _ string, q realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	return r.Registry.Connections(ctx, "one", q)
}

type longLeases struct{ realtime.Registry }

func (r longLeases) Renew(ctx context.Context, l realtime.Lease) error {
	l.Until = time.Now().Add(time.Hour)
	return r.Registry.Renew(ctx, l)
}

type longLives struct{ realtime.Registry }

func (r longLives) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	docs = slices.Clone(docs)
	for i := range docs {
		docs[i].Expires = time.Now().Add(time.Hour)
	}
	return r.Registry.Connect(ctx, docs)
}

type onePage struct{ realtime.Registry }

func (r onePage) Connections(ctx context.Context, tenant string, q realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	page, err := r.Registry.Connections(ctx, tenant, q)
	page.Next = ""
	return page, err
}

type noRelease struct{ realtime.Registry }

func (noRelease) Release(context.Context, string) error { return nil }

// oneLogout keeps what came last, or what is the earliest.
type oneLogout struct {
	first bool
	mu    sync.Mutex // guards kept
	kept  time.Time
}

func (o *oneLogout) Revoke(_ context.Context, _, _ string, before, _ time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.first || o.kept.IsZero() || before.Before(o.kept) {
		o.kept = before
	}
	return nil
}

func (o *oneLogout) RevokedBefore(context.Context, string, string) (time.Time, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept, nil
}

type pathLogout struct{ realtime.Revocations }

func (p pathLogout) Revoke(ctx context.Context, tenant, user string, before, until time.Time) error {
	return p.Revocations.Revoke(ctx, tenant, path.Join("/", user), before, until)
}

func (p pathLogout) RevokedBefore(ctx context.Context, tenant, user string) (time.Time, error) {
	return p.Revocations.RevokedBefore(ctx, tenant, path.Join("/", user))
}

type everyLogout struct{ realtime.Revocations }

func (e everyLogout) Revoke(ctx context.Context, _, user string, before, until time.Time) error {
	return e.Revocations.Revoke(ctx, "acme", user, before, until)
}

func (e everyLogout) RevokedBefore(ctx context.Context, _, user string) (time.Time, error) {
	return e.Revocations.RevokedBefore(ctx, "acme", user)
}

type freshTenants struct{ realtime.TenantStore }

func (f freshTenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	t, err := f.TenantStore.Tenant(ctx, id)
	if err != nil {
		return nil, err
	}
	fresh := *t
	return &fresh, nil
}

// deafTenants gives the first answer for ever.
type deafTenants struct {
	realtime.TenantStore
	once sync.Once
	doc  *realtime.Tenant
	err  error
}

func (d *deafTenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	d.once.Do(func() { d.doc, d.err = d.TenantStore.Tenant(ctx, id) })
	return d.doc, d.err
}

// overwriting writes over whatever is there.
type overwriting struct{ realtime.TenantStore }

func (o overwriting) Put(ctx context.Context, doc *realtime.Tenant) (*realtime.Tenant, error) {
	time.Sleep(time.Millisecond) // somebody else has read meanwhile
	next := *doc
	if stored, err := o.TenantStore.Stored(ctx, doc.ID); err == nil {
		next.Version = stored.Version
	}
	return o.TenantStore.Put(ctx, &next)
}

// rememberedTenants says of what is stored what was there when it was asked for first.
type rememberedTenants struct {
	realtime.TenantStore
	deaf *deafTenants
}

func (r rememberedTenants) Stored(ctx context.Context, id string) (*realtime.Tenant, error) {
	return r.deaf.Tenant(ctx, id)
}

type deletedTenants struct{ realtime.TenantStore }

func (d deletedTenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	return d.TenantStore.Stored(ctx, id)
}

type oneTenantPage struct{ realtime.TenantStore }

func (o oneTenantPage) List(ctx context.Context, after string, limit int) ([]string, string, error) {
	ids, _, err := o.TenantStore.List(ctx, after, limit)
	return ids, "", err
}

// deafSource gives the first answer for ever.
type deafSource struct {
	realtime.TenantSource
	once  sync.Once
	state realtime.TenantState
	err   error
}

func (d *deafSource) Read(ctx context.Context, id string) (realtime.TenantState, error) {
	d.once.Do(func() { d.state, d.err = d.TenantSource.Read(ctx, id) })
	return d.state, d.err
}

// livingSource knows nothing of what was deleted.
type livingSource struct{ realtime.TenantSource }

func (l livingSource) Read(ctx context.Context, id string) (realtime.TenantState, error) {
	state, err := l.TenantSource.Read(ctx, id)
	if state.Doc != nil && state.Doc.Deleted {
		return realtime.TenantState{ID: id}, err
	}
	return state, err
}

func (l livingSource) Changed(ctx context.Context, since time.Time) ([]realtime.TenantState, error) {
	all, err := l.TenantSource.Changed(ctx, since)
	return slices.DeleteFunc(all, func(s realtime.TenantState) bool { return s.Doc.Deleted }), err
}

type oneSourcePage struct{ realtime.TenantSource }

func (o oneSourcePage) Changed(ctx context.Context, since time.Time) ([]realtime.TenantState, error) {
	all, err := o.TenantSource.Changed(ctx, since)
	return all[:min(len(all), 500)], err
}

type partlyLost struct{ lost *memory.Lost }

func (p partlyLost) Lost(ctx context.Context, docs []realtime.ConnectionDoc) error {
	return p.lost.Lost(ctx, docs[:min(len(docs), 500)])
}

// lateLost takes over what it was told of when it is asked what it has taken over.
type lateLost struct {
	lost *memory.Lost
	docs []realtime.ConnectionDoc
}

func (l *lateLost) Lost(_ context.Context, docs []realtime.ConnectionDoc) error {
	l.docs = append(l.docs, docs...)
	return nil
}

func (l *lateLost) flush() { _ = l.lost.Lost(context.Background(), l.docs) }
