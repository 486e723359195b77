package ingest

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/intake"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// Options configure the handler. Verifier, Tenants and Publisher are required.
type Options struct {
	Verifier  auth.TokenVerifier
	Tenants   realtime.Tenants
	Publisher intake.Publisher
	// Limiter holds users and tenants to publishesPerSecond; nil holds nobody to anything.
	Limiter intake.Limiter
	// MaxBody is the longest body in bytes, as sent and as decompressed; default 4 MiB.
	MaxBody int64
	// ReadTimeout is how long a body may take to arrive; default 10 s.
	ReadTimeout time.Duration
	Logger      *slog.Logger     // of faults; nil discards
	Metrics     realtime.Metrics // nil forgets
}

// handler is the endpoint. It starts nothing and keeps nothing of a request.
type handler struct {
	o      Options
	intake *intake.Intake
}

// New returns the handler of POST /v1/tenants/{tenant}/events. It answers 404 to
// any other path, so it can be mounted at a prefix, or alone.
func New(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	o.Tenants = tenantcache.NewSteady(o.Tenants) // one that is missing for a moment is to be tried again
	return &handler{o, intake.New(intake.Options{
		Publisher: o.Publisher, Limiter: o.Limiter, MaxBody: o.MaxBody, ReadTimeout: o.ReadTimeout, Logger: o.Logger, Metrics: o.Metrics,
	})}
}

// ServeHTTP takes the events of one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := h.serve(w, r); p != nil {
		p.Write(w)
	}
}

// serve takes the events in, or returns the problem that is to be answered.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) *problem.Problem {
	tenantID, ok := tenantIn(r.URL.Path)
	if !ok {
		return problem.Of(realtime.Errorf(realtime.CodeNotFound, "no such path; send events to /v1/tenants/{tenant}/events"))
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "method %.16q is not supported at this path; use POST", r.Method))
	}
	tenant, principal, err := h.authorize(r, tenantID)
	if err != nil {
		return h.refused(r, err)
	}
	return h.intake.Serve(w, r, tenant, principal)
}

// authorize returns the tenant and who is asking. Errors never tell whether a
// tenant exists that is not the token's own.
func (h *handler) authorize(r *http.Request, tenantID string) (*realtime.Tenant, *realtime.Principal, error) {
	token, err := auth.Bearer(r)
	if err != nil {
		return nil, nil, err
	}
	p, err := h.o.Verifier.Verify(r.Context(), token)
	if err != nil {
		return nil, nil, err
	}
	if p.Tenant != tenantID {
		return nil, nil, realtime.Errorf(realtime.CodeForbidden, "the token belongs to another tenant")
	}
	t, err := h.o.Tenants.Tenant(r.Context(), tenantID)
	if err != nil {
		return nil, nil, err
	}
	if err := auth.RecheckBy(r.Context(), h.o.Verifier, t, p); err != nil { // it was judged by this document, or by the one before
		return nil, nil, err
	}
	if t.Suspended {
		return nil, nil, realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
	}
	return t, p, nil
}

// refused makes the problem of a sender who is not let in, counts it, and logs it if it
// is a fault of ours. It names no tenant: a label of metrics is not for strangers to choose.
func (h *handler) refused(r *http.Request, err error) *problem.Problem {
	p := problem.Of(err)
	h.o.Metrics.Add(realtime.CountRefusals, "", realtime.Reason(p.Code), 1)
	if p.Status >= http.StatusInternalServerError && !auth.IsUnknown(err) {
		h.o.Logger.ErrorContext(r.Context(), "a producer could not be authorized", realtime.KeyCode, string(p.Code), realtime.KeyError, err)
	}
	return p
}
