package gateway

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

const (
	// judgeEvery is how often the clients of a tenant with an issuer are judged although its document has not
	// changed: its keys may have.
	judgeEvery = time.Minute
	// unsureFor is how long a client may stay whose token nobody can judge by a newer document, because its
	// issuer does not answer.
	unsureFor = 30 * time.Second
)

// judgeAll judges guests by a document and closes those who may not stay by it. One who cannot be judged now
// is judged again at the next look.
func (w *watch) judgeAll(ctx context.Context, doc *realtime.Tenant, guests []*guest) {
	var refused []*guest
	for _, v := range guests {
		switch p, why := w.verdict(ctx, v, doc); {
		case ctx.Err() != nil:
			return
		case why == nil:
			v.unsure = time.Time{}
			w.passed(v, p, doc)
		case why.Code == realtime.CodeUnavailable && v.isUnsure(time.Now()):
			w.touch(v)
		default:
			refused = append(refused, v)
		}
	}
	w.dismiss(ctx, refused, func(v *guest) *realtime.Error {
		_, why := w.verdict(ctx, v, w.newest(ctx, doc))
		if why == nil { // it has renewed its token, or the document has changed again
			w.touch(v)
		}
		return why
	})
}

// isUnsure reports whether the guest may stay though nobody knows whether its token is good.
func (v *guest) isUnsure(now time.Time) bool {
	if v.unsure.IsZero() {
		v.unsure = now
	}
	return now.Sub(v.unsure) < unsureFor
}

// verdict says why a guest may not stay by a document, if so, and who it was.
func (w *watch) verdict(ctx context.Context, v *guest, doc *realtime.Tenant) (*realtime.Principal, *realtime.Error) {
	p := v.conn.Principal()
	if doc.Suspended {
		return p, suspended()
	}
	if err := w.g.verifier.Recheck(ctx, doc, p); err != nil {
		known := (*realtime.Error)(nil)
		if !errors.As(err, &known) {
			return p, w.g.shown(ctx, "judging a token again", err)
		}
		if known.Code == realtime.CodeUnauthorized {
			known = realtime.Errorf(realtime.CodeUnauthorized, "the tenant's keys have changed; get a new token and connect again")
		}
		return p, known
	}
	if !v.page.allowed(doc) {
		return p, foreign(v.page)
	}
	return p, nil
}

// passed notes that a guest may stay, if it is still who was judged.
func (w *watch) passed(v *guest, p *realtime.Principal, doc *realtime.Tenant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v.conn.Principal() == p {
		v.judged = doc
	} else if t := w.tenants[v.tenant.ID]; t != nil {
		t.stale = true
	}
}

// renewed is told that a guest has a newer token, judged by a document.
func (w *watch) renewed(v *guest, by *realtime.Tenant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v.judged = by
	if t := w.tenants[v.tenant.ID]; t != nil && t.doc != by {
		t.stale = true
	}
}

// touch has a guest judged again at the next look.
func (w *watch) touch(v *guest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v.judged = nil
	if t := w.tenants[v.tenant.ID]; t != nil {
		t.stale = true
	}
}

// newest returns the tenant's document of this moment: a guest may have renewed its token by one that is newer than
// the one it is to be closed by.
func (w *watch) newest(ctx context.Context, otherwise *realtime.Tenant) *realtime.Tenant {
	if doc, err := w.g.tenant(ctx, otherwise.ID); err == nil {
		return doc
	}
	return otherwise
}

// sameWords reports whether two documents say the same. A store may give equal ones out anew.
func sameWords(a, b *realtime.Tenant) bool {
	one, other := *a, *b
	one.Version, other.Version = 0, 0
	return reflect.DeepEqual(one, other)
}

func suspended() *realtime.Error {
	return realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
}

func gone() *realtime.Error {
	return realtime.Errorf(realtime.CodeForbidden, "the tenant was deleted")
}

func foreign(from page) *realtime.Error {
	return realtime.Errorf(realtime.CodeForbidden, "origin: pages from %.100q may not connect; the tenant's document lists the allowed origins", strings.Join(from.origins, ", "))
}

// page is where a guest came from; without an origin it is no page.
type page struct {
	origins []string // as its request said; more than one is none's
	host    string
}

func pageOf(r *http.Request) page {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return page{}
	}
	return page{origins, r.Host}
}

func (p page) allowed(t *realtime.Tenant) bool {
	return len(p.origins) == 0 || len(p.origins) == 1 && auth.AllowPage(t, p.origins[0], p.host)
}
