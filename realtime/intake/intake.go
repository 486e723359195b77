package intake

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Publisher publishes events of a tenant in order and returns when the broker
// has them. It fills in the IDs that are missing and keeps neither pubs nor what they
// refer to. *publish.Publisher is one.
type Publisher interface {
	Publish(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication) error
}

// Limiter lets a user publish n events, or refuses with CodeLimited. *limit.Limiter is one.
type Limiter interface {
	Publish(t *realtime.Tenant, user string, n int) error
}

// Options configure an Intake. Publisher is required.
type Options struct {
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

// Intake takes the events of requests in. It starts nothing and keeps nothing of a
// request, and is safe for concurrent use.
type Intake struct {
	o       Options
	scratch scratchPool
}

// New returns an Intake.
func New(o Options) *Intake {
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
	return &Intake{o: o}
}

// Serve takes in the events of one request, whose sender was found to be the principal of the
// tenant, and answers it; or it returns the problem that is to be answered, which it has
// counted and, if it is a fault of ours, logged.
func (in *Intake) Serve(w http.ResponseWriter, r *http.Request, t *realtime.Tenant, p *realtime.Principal) *problem.Problem {
	form, err := formOf(r.Header)
	if err != nil {
		return in.refused(w, r, t.ID, err)
	}
	s := in.scratch.get()
	defer in.scratch.put(s)
	if err := ReadBody(w, r, &s.body, in.o.MaxBody, in.o.ReadTimeout); err != nil {
		return in.refused(w, r, t.ID, err)
	}
	b := newBatch(t, p, s.pubs)
	err = form(b, r.Header, s.body.Bytes())
	s.pubs = b.pubs
	if err != nil {
		return in.refused(w, r, t.ID, err)
	}
	if bad := b.problem(); bad != nil {
		in.count(t.ID, bad.Code)
		return bad
	}
	return in.publish(w, r, s, b)
}

// publish publishes a batch that was found good and answers.
func (in *Intake) publish(w http.ResponseWriter, r *http.Request, s *scratch, b *batch) *problem.Problem {
	if len(b.pubs) == 0 { // a batch of none is done
		return in.answer(w, s, b)
	}
	if in.o.Limiter != nil {
		if err := in.o.Limiter.Publish(b.tenant, b.principal.User, len(b.pubs)); err != nil {
			return problem.Of(err) // the limiter has counted it
		}
	}
	if err := in.o.Publisher.Publish(r.Context(), b.tenant, b.pubs); err != nil {
		if realtime.CodeOf(err) == realtime.CodeNotFound { // not the producer's fault, which 404 would say
			err = &realtime.Error{Code: realtime.CodeInternal, Message: "the tenant has no topic; an operator must create it", Err: err}
		}
		p := in.refused(w, r, b.tenant.ID, err)
		p.Errors = unpublished(err)
		return p
	}
	return in.answer(w, s, b)
}

func (in *Intake) answer(w http.ResponseWriter, s *scratch, b *batch) *problem.Problem {
	s.answer = appendAnswer(s.answer[:0], b.pubs)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.answer) // the producer may be gone, and its events are published all the same
	return nil
}

// refused makes the problem of an error, counts it, and logs it if it is a fault of ours.
func (in *Intake) refused(w http.ResponseWriter, r *http.Request, tenant string, err error) *problem.Problem {
	p := problem.Of(err)
	if e := (*UnsupportedError)(nil); errors.As(err, &e) {
		w.Header().Set(e.Header, e.List)
		p = problem.WithStatus(http.StatusUnsupportedMediaType, e.Err)
	}
	in.count(tenant, p.Code)
	if p.Status >= http.StatusInternalServerError {
		in.o.Logger.ErrorContext(r.Context(), "events were not accepted",
			realtime.KeyTenant, tenant, realtime.KeyCode, string(p.Code), realtime.KeyError, err)
	}
	return p
}

func (in *Intake) count(tenant string, code realtime.Code) {
	in.o.Metrics.Add(realtime.CountRefusals, tenant, realtime.Reason(code), 1)
}
