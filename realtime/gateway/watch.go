package gateway

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/wire"
)

const (
	// watchEvery is how often the documents of the tenants that are here are looked at.
	watchEvery = time.Second
	// watchTime bounds one look at all of them.
	watchTime = 5 * time.Second
	// watchClose is the time over which the clients of a tenant are closed that may not stay.
	watchClose = time.Second
	// moveWithin is how long a client may wait before it moves.
	moveWithin = 5 * time.Second
)

// watch sees to it that a change of a tenant's document reaches those who are connected. While
// anybody is, it asks Tenants for the document of every tenant that is here, which
// costs nothing when that answers from memory, and cannot fall silent as a
// subscription to changes could. While Tenants fails nothing changes.
type watch struct {
	g       *Gateway
	running sync.WaitGroup

	mu      sync.Mutex // guards all below
	tenants map[string]*watched
	stop    context.CancelFunc // nil while nobody is here
	closed  bool
	failing bool
}

// watched is a tenant with guests.
type watched struct {
	doc    *realtime.Tenant // last seen
	stale  bool             // a guest came with another one
	topic  realtime.Topic   // that guests are to read
	asked  bool             // those who read another one were asked to move, and may be here still
	guests map[*guest]struct{}
}

func newWatch(g *Gateway) *watch { return &watch{g: g, tenants: map[string]*watched{}} }

// join watches for a guest. It has to leave.
func (w *watch) join(v *guest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tenants[v.tenant.ID]
	if t == nil {
		t = &watched{doc: v.tenant, guests: map[*guest]struct{}{}}
		w.tenants[v.tenant.ID] = t
	}
	t.stale = t.stale || t.doc != v.tenant
	t.guests[v] = struct{}{}
	if w.stop == nil && !w.closed {
		ctx, cancel := context.WithCancel(w.g.life)
		w.stop = cancel
		w.running.Go(func() { w.run(ctx) })
	}
}

func (w *watch) leave(v *guest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tenants[v.tenant.ID]
	if t == nil {
		return
	}
	delete(t.guests, v)
	if len(t.guests) == 0 {
		delete(w.tenants, v.tenant.ID)
	}
	if len(w.tenants) == 0 && w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// close ends the watch and waits for it.
func (w *watch) close() {
	w.mu.Lock()
	w.closed = true
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
	w.mu.Unlock()
	w.running.Wait()
}

func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.look(ctx)
		}
	}
}

// look asks for the document of every tenant that is here.
func (w *watch) look(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	var down error
	for _, id := range w.here() {
		doc, err := w.g.tenant(asking, id)
		switch {
		case ctx.Err() != nil:
			return
		case realtime.CodeOf(err) == realtime.CodeNotFound:
			w.dismiss(ctx, w.guests(id), realtime.Errorf(realtime.CodeForbidden, "there is no such tenant any more"))
		case err != nil:
			down = err
		default:
			w.compare(ctx, doc)
			w.place(ctx, doc)
		}
	}
	w.log(ctx, down)
}

// log says once that documents cannot be read, and once that they can again.
func (w *watch) log(ctx context.Context, down error) {
	w.mu.Lock()
	was := w.failing
	w.failing = down != nil
	w.mu.Unlock()
	switch {
	case down != nil && !was:
		w.g.o.Logger.WarnContext(ctx, "tenant documents cannot be read; those who are connected stay", realtime.KeyError, down)
	case down == nil && was:
		w.g.o.Logger.InfoContext(ctx, "tenant documents can be read again")
	}
}

func (w *watch) here() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, 0, len(w.tenants))
	for id := range w.tenants {
		ids = append(ids, id)
	}
	return ids
}

// guests returns the guests of a tenant, in no order.
func (w *watch) guests(id string) []*guest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tenants[id].all()
}

func (t *watched) all() []*guest {
	if t == nil {
		return nil
	}
	all := make([]*guest, 0, len(t.guests))
	for v := range t.guests {
		all = append(all, v)
	}
	return all
}

// compare puts a document in force if it is another than the one last seen.
func (w *watch) compare(ctx context.Context, doc *realtime.Tenant) {
	w.mu.Lock()
	t := w.tenants[doc.ID]
	if t == nil || t.doc == doc && !t.stale {
		w.mu.Unlock()
		return
	}
	t.doc, t.stale = doc, false
	guests := t.all()
	w.mu.Unlock()

	older := map[*realtime.Tenant][]*guest{}
	for _, v := range guests {
		if old := v.doc(); old != doc {
			older[old] = append(older[old], v)
		}
	}
	if len(older) == 0 {
		return
	}
	w.g.o.Limiter.Update(doc)
	w.g.hub.Update(doc)
	for old, guests := range older {
		if !reflect.DeepEqual(old, doc) { // a store may give equal documents out anew
			w.changed(ctx, guests, old, doc)
		}
	}
}

// changed is told that the document of some guests has changed. The Hub and the Limiter know.
func (w *watch) changed(ctx context.Context, guests []*guest, old, doc *realtime.Tenant) {
	w.g.o.Logger.InfoContext(ctx, "a tenant's document has changed", realtime.KeyTenant, doc.ID, realtime.KeyCount, len(guests))
	switch {
	case doc.Suspended:
		w.dismiss(ctx, guests, suspended())
		return
	case narrowed(old.Auth, doc.Auth):
		w.dismiss(ctx, guests, realtime.Errorf(realtime.CodeUnauthorized, "the tenant's keys have changed; get a new token and connect again"))
		return
	}
	limits := doc.Limits.WithDefaults()
	for _, v := range guests {
		v.door.obey(limits)
	}
	for _, v := range guests {
		if !v.page.allowed(doc) {
			v.door.close(foreign(v.page.origin))
		}
	}
}

// place asks guests whose tenant is carried by another topic by now to open another connection,
// which reads that one, and later closes those who stay: nothing comes by the old one any more.
func (w *watch) place(ctx context.Context, doc *realtime.Tenant) {
	topic, now := w.g.hub.Topic(doc), time.Now()
	w.mu.Lock()
	t := w.tenants[doc.ID]
	asks := doc.Moved != nil && now.Before(doc.Moved.Leaves())
	if t == nil || t.topic == topic && (asks || !t.asked) {
		w.mu.Unlock()
		return
	}
	t.topic, t.asked = topic, asks
	strays := slices.DeleteFunc(t.all(), func(v *guest) bool { return v.conn.Topic() == topic })
	w.mu.Unlock()
	if !asks {
		w.dismiss(ctx, strays, going(time.Second, moveWithin))
		return
	}
	for _, v := range strays {
		v.conn.SendControl(wire.Encoder{}.Move(random(moveWithin).Milliseconds()))
	}
}

// dismiss closes guests one after the other, so that they do not come back together.
func (w *watch) dismiss(ctx context.Context, guests []*guest, why *realtime.Error) {
	if len(guests) == 0 {
		return
	}
	pause := watchClose / time.Duration(len(guests))
	w.running.Go(func() {
		for _, v := range guests {
			v.door.close(why)
			select {
			case <-ctx.Done():
				return // nobody is left, or the gateway closes them
			case <-time.After(pause):
			}
		}
	})
}

func suspended() *realtime.Error {
	return realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
}

func foreign(origin string) *realtime.Error {
	return realtime.Errorf(realtime.CodeForbidden, "origin: pages of %.100q may not connect; the tenant's document lists those that may", origin)
}

// narrowed reports whether a token that was good by the older document may not be by the newer.
func narrowed(old, now realtime.Auth) bool {
	return old.Issuer != now.Issuer && now.Issuer != "" ||
		old.JWKSURL != now.JWKSURL && old.JWKSURL != "" ||
		len(now.Audience) > 0 && (len(old.Audience) == 0 || lacks(now.Audience, old.Audience)) ||
		lacks(now.Keys, old.Keys)
}

// lacks reports whether anything of the older list is not in the newer.
func lacks[T comparable](now, old []T) bool {
	return slices.ContainsFunc(old, func(e T) bool { return !slices.Contains(now, e) })
}

// page is where a guest came from; without an origin it is no page.
type page struct{ origin, host string }

func pageOf(r *http.Request) page {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return page{}
	}
	return page{origin, r.Host}
}

func (p page) allowed(t *realtime.Tenant) bool {
	return p.origin == "" || auth.AllowPage(t, p.origin, p.host)
}
