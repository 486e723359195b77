package ingest

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Verifier makes a Principal of a token. An error has code CodeUnauthorized,
// CodeExpired or CodeSuspended for a token that is not good, another one if nobody can
// tell. *auth.Verifier is one.
type Verifier interface {
	Verify(ctx context.Context, token string) (*realtime.Principal, error)
}

// Publisher publishes events of a tenant in order and returns when the broker
// has them. It fills in the IDs that are missing and keeps neither pubs nor what they
// refer to. *realtime.Publisher is one.
type Publisher interface {
	Publish(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication) error
}

// Limiter lets a user publish n events, or refuses with CodeLimited. *limit.Limiter is one.
type Limiter interface {
	Publish(t *realtime.Tenant, user string, n int) error
}

// Options configure the handler. Verifier, Tenants and Publisher are required.
type Options struct {
	Verifier  Verifier
	Tenants   realtime.Tenants
	Publisher Publisher
	// Limiter holds users and tenants to publishesPerSecond; nil holds nobody to anything.
	Limiter Limiter
	// MaxBody is the longest body in bytes, as sent and as decompressed; default 4 MiB.
	MaxBody int64
	// ReadTimeout is how long a body may take to arrive; default 10 s.
	ReadTimeout time.Duration
	Logger      *slog.Logger     // of faults; nil discards
	Metrics     realtime.Metrics // nil forgets
}

// handler is the endpoint. It starts nothing and keeps nothing of a request.
type handler struct {
	o       Options
	scratch scratchPool
}

// New returns the handler of POST /v1/tenants/{tenant}/events. It answers 404 to
// any other path, so it can be mounted at a prefix, or alone.
func New(o Options) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = 4 << 20
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	return &handler{o: o}
}

// ServeHTTP takes the events of one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := h.scratch.get()
	defer h.scratch.put(s)
	if p := h.serve(w, r, s); p != nil {
		p.Write(w)
	}
}

// serve takes the events in, or returns the problem that is to be answered.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, s *scratch) *problem.Problem {
	tenantID, ok := tenantIn(r.URL.Path)
	if !ok {
		return problem.Of(realtime.Errorf(realtime.CodeNotFound, "there is nothing here; events go to /v1/tenants/{tenant}/events"))
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "%.16q: send events by POST", r.Method))
	}
	tenant, principal, err := h.authorize(r, tenantID)
	if err != nil {
		return h.refused(r, "", err)
	}
	form, p := formOf(w, r)
	if p != nil {
		return p
	}
	if err := h.readBody(w, r, s); err != nil {
		return h.refused(r, tenantID, err)
	}
	b := newBatch(tenant, principal, s.pubs)
	err = form(b, r.Header, s.body.Bytes())
	s.pubs = b.pubs
	if err != nil {
		return h.refused(r, tenantID, err)
	}
	if p := b.problem(); p != nil {
		h.count(tenantID, p.Code)
		return p
	}
	return h.publish(w, r, s, b)
}

// publish publishes a batch that was found good and answers.
func (h *handler) publish(w http.ResponseWriter, r *http.Request, s *scratch, b *batch) *problem.Problem {
	if h.o.Limiter != nil {
		if err := h.o.Limiter.Publish(b.tenant, b.principal.User, len(b.pubs)); err != nil {
			return problem.Of(err) // the limiter has counted it
		}
	}
	if err := h.o.Publisher.Publish(r.Context(), b.tenant, b.pubs); err != nil {
		if realtime.CodeOf(err) == realtime.CodeNotFound { // not the producer's fault, which 404 would say
			err = &realtime.Error{Code: realtime.CodeInternal, Message: "the tenant has no topic; its operator has to make one", Err: err}
		}
		p := h.refused(r, b.tenant.ID, err)
		p.Errors = unpublished(err)
		return p
	}
	s.answer = appendAnswer(s.answer[:0], b.pubs)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.answer) // the producer may be gone, and its events are published all the same
	return nil
}

// authorize returns the tenant and who is asking. Errors never tell whether a
// tenant exists that is not the token's own.
func (h *handler) authorize(r *http.Request, tenantID string) (*realtime.Tenant, *realtime.Principal, error) {
	token, err := bearer(r)
	if err != nil {
		return nil, nil, err
	}
	p, err := h.o.Verifier.Verify(r.Context(), token)
	if err != nil {
		return nil, nil, err
	}
	if p.Tenant != tenantID {
		return nil, nil, realtime.Errorf(realtime.CodeForbidden, "the token is not one of this tenant")
	}
	t, err := h.o.Tenants.Tenant(r.Context(), tenantID)
	if err != nil {
		return nil, nil, err
	}
	if t.Suspended {
		return nil, nil, realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
	}
	return t, p, nil
}

// refused makes the problem of an error, counts it, and logs it if it is a
// fault of ours. tenant is empty as long as nobody has proved to belong to it: a
// label of metrics is not for strangers to choose.
func (h *handler) refused(r *http.Request, tenant string, err error) *problem.Problem {
	p := problem.Of(err)
	h.count(tenant, p.Code)
	if p.Status >= http.StatusInternalServerError {
		h.o.Logger.ErrorContext(r.Context(), "events were not taken in",
			realtime.KeyTenant, tenant, realtime.KeyCode, string(p.Code), realtime.KeyError, err)
	}
	return p
}

func (h *handler) count(tenant string, code realtime.Code) {
	h.o.Metrics.Add(realtime.CountRefusals, tenant, string(code), 1)
}
