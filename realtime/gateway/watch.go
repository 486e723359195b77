package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
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
	doc     *realtime.Tenant // last seen
	stale   bool             // a guest was judged by another one
	judging bool             // its guests are being judged
	judged  time.Time        // when they were last, all of them
	topic   realtime.Topic   // that guests are to read
	asked   bool             // those who read another one were asked to move, and may be here still
	guests  map[*guest]struct{}
}

func newWatch(g *Gateway) *watch { return &watch{g: g, tenants: map[string]*watched{}} }

// join watches for a guest. It has to leave.
func (w *watch) join(v *guest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tenants[v.tenant.ID]
	if t == nil {
		t = &watched{doc: v.tenant, judged: time.Now(), guests: map[*guest]struct{}{}}
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
			_ = contain.Do(w.g.o.Logger, w.g.o.Metrics, contain.Sweep, func() { w.look(ctx) }) // it looks again in a second
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
			w.dismiss(ctx, w.guests(id), func(*guest) *realtime.Error { return gone() })
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
		w.g.o.Logger.WarnContext(ctx, "tenant documents cannot be read; connected clients stay connected", realtime.KeyError, down)
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

// compare puts a document in force if it is another than the one last seen, and has the guests judged by it that
// were not yet.
func (w *watch) compare(ctx context.Context, doc *realtime.Tenant) {
	now := time.Now()
	w.mu.Lock()
	t := w.tenants[doc.ID]
	if t == nil || doc.OlderThan(t.doc) {
		w.mu.Unlock()
		return
	}
	old, all := t.doc, doc.Auth.JWKSURL != "" && now.Sub(t.judged) >= judgeEvery
	if old == doc && !t.stale && !all {
		w.mu.Unlock()
		return
	}
	here := t.all()
	if t.doc = doc; t.judging { // they are judged by this one at a later look
		t.stale = true
		w.mu.Unlock()
		w.obey(ctx, old, doc, here)
		return
	}
	t.stale, t.judging = false, true
	guests := slices.Clone(here)
	if all {
		t.judged = now
	} else {
		guests = slices.DeleteFunc(guests, func(v *guest) bool { return v.judged == doc })
	}
	w.mu.Unlock()

	w.obey(ctx, old, doc, here)
	w.running.Go(func() {
		w.judgeAll(ctx, doc, guests)
		w.mu.Lock()
		defer w.mu.Unlock()
		t.judging = false
	})
}

// obey puts the limits and rules of a document in force for the guests of its tenant.
func (w *watch) obey(ctx context.Context, old, doc *realtime.Tenant, guests []*guest) {
	w.g.o.Limiter.Update(doc)
	w.g.hub.Update(doc)
	limits := doc.Limits.WithDefaults()
	for _, v := range guests {
		v.door.obey(limits)
	}
	if !sameWords(old, doc) {
		w.g.o.Logger.InfoContext(ctx, "a tenant's document has changed", realtime.KeyTenant, doc.ID, realtime.KeyCount, len(guests))
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
		w.dismiss(ctx, strays, func(*guest) *realtime.Error { return going(time.Second, moveWithin) })
		return
	}
	for _, v := range strays {
		v.conn.Move(random(moveWithin))
	}
}

// dismiss closes guests one after the other, so that they do not come back together. One for whom why has no
// answer by then stays.
func (w *watch) dismiss(ctx context.Context, guests []*guest, why func(*guest) *realtime.Error) {
	if len(guests) == 0 {
		return
	}
	pause := watchClose / time.Duration(len(guests))
	w.running.Go(func() {
		for _, v := range guests {
			if reason := why(v); reason != nil {
				v.door.close(reason)
			}
			select {
			case <-ctx.Done():
				return // nobody is left, or the gateway closes them
			case <-time.After(pause):
			}
		}
	})
}
