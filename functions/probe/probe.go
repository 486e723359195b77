package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Channel is where the probe publishes and reads, in its tenant.
const Channel = "probe:delivery"

const (
	// DefaultMaxTime is longer than a gateway that has just begun to follow a topic keeps a subscribe waiting: a
	// beacon and two fences, 40 s (hub.Pace). A shorter one calls a healthy deployment broken.
	DefaultMaxTime = 50 * time.Second
	// DefaultHeld are the sockets of two minutes, if three places check every minute.
	DefaultHeld = 6
	// MaxHeld leaves room for runs within what one user may have open by default.
	MaxHeld = 15
)

// Options configure a Probe. Gateway, Ingest, Tenant and Tenants are required.
type Options struct {
	// Gateway and Ingest are the origins of the two, http or https.
	Gateway, Ingest string
	// Tenant is the probe's own: nobody else's channels are touched.
	Tenant  string
	Tenants realtime.Tenants
	// MaxTime bounds a run; default DefaultMaxTime.
	MaxTime time.Duration
	// Held is how many sockets of earlier runs stay open, 0 to MaxHeld, so that the gateways go on following the tenant's topic between runs.
	Held   int
	Logger *slog.Logger // a line of each run; nil discards
}

// Probe is the function as an http.Handler. It is safe for concurrent use. Close it.
type Probe struct {
	o               Options
	gateway, ingest string // URLs
	held            holder
}

// Stage is a step of a run.
type Stage string

// The stages, in their order.
const (
	StageToken     Stage = "token"     // the tenant's document, and a key in it that signs
	StageConnect   Stage = "connect"   // the handshake and the welcome
	StageSubscribe Stage = "subscribe" // the answer to a subscribe
	StagePublish   Stage = "publish"   // ingest's answer
	StageDelivery  Stage = "delivery"  // the event on the socket
)

// Report says how long the stages of a run took.
type Report struct {
	Connect   time.Duration
	Subscribe time.Duration
	Publish   time.Duration // from the request to ingest's answer
	Delivery  time.Duration // from the same request to the event on the socket, which may come before the answer
}

// Failed is a run that did not come to its end.
type Failed struct {
	Stage Stage
	Err   error
}

// Error names the stage and what went wrong.
func (f *Failed) Error() string { return fmt.Sprintf("%s: %v", f.Stage, f.Err) }

// Unwrap returns what went wrong.
func (f *Failed) Unwrap() error { return f.Err }

// New returns a Probe. Its error has code CodeBadRequest and names the option that is wrong.
func New(o Options) (*Probe, error) {
	gateway, err := origin("Gateway", o.Gateway)
	if err != nil {
		return nil, err
	}
	ingest, err := origin("Ingest", o.Ingest)
	if err != nil {
		return nil, err
	}
	if err := realtime.CheckTenantID(o.Tenant); err != nil {
		return nil, err
	}
	if o.MaxTime <= 0 {
		o.MaxTime = DefaultMaxTime
	}
	if o.Held < 0 || o.Held > MaxHeld {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "Held: must be 0 to %d, got %d", MaxHeld, o.Held)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Probe{o: o, gateway: gateway.String(), ingest: ingest.String(), held: holder{most: o.Held}}, nil
}

func origin(option, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "%s: must be an origin such as https://gateway.example.com, got %.100q", option, value)
	}
	return u, nil
}

// ServeHTTP makes a run and answers how long it took, or 503 with what failed. Who may call it
// is for the platform to say.
func (p *Probe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "method %.16q is not supported at this path; use GET or POST", r.Method)).Write(w)
		return
	}
	report, err := p.Run(r.Context())
	problem.WriteReport(w, report, err)
}

// Run makes one run. An error has CodeUnavailable and a *Failed in its chain.
func (p *Probe) Run(ctx context.Context) (Report, error) {
	start := time.Now()
	bounded, cancel := context.WithTimeoutCause(ctx, p.o.MaxTime, fmt.Errorf("the run took longer than %v", p.o.MaxTime))
	defer cancel()
	r := &run{probe: p}
	if err := r.all(bounded); err != nil {
		failed := &Failed{Stage: r.stage, Err: because(bounded, err)}
		p.o.Logger.ErrorContext(ctx, "the probe failed",
			keyStage, failed.Stage, realtime.KeyError, failed.Err, realtime.KeyTenant, p.o.Tenant, realtime.KeyDuration, time.Since(start))
		return r.report, &realtime.Error{Code: realtime.CodeUnavailable, Message: failed.Error(), RetryAfter: time.Second, Err: failed}
	}
	t := &r.report
	p.o.Logger.InfoContext(ctx, "the probe ran",
		keyConnect, t.Connect.Milliseconds(), keySubscribe, t.Subscribe.Milliseconds(), keyPublish, t.Publish.Milliseconds(), keyDelivery, t.Delivery.Milliseconds(),
		realtime.KeyTenant, p.o.Tenant, realtime.KeyDuration, time.Since(start))
	return *t, nil
}

// because says why a run ended early when its context did: what broke is then only the consequence.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}

// Close lets go what the probe holds. No run may be under way.
func (p *Probe) Close() error {
	p.held.close()
	return nil
}

// MarshalJSON shows milliseconds.
func (r Report) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{%q:%d,%q:%d,%q:%d,%q:%d}`,
		keyConnect, r.Connect.Milliseconds(), keySubscribe, r.Subscribe.Milliseconds(), keyPublish, r.Publish.Milliseconds(), keyDelivery, r.Delivery.Milliseconds()), nil
}

// The keys of the line that each run logs; metrics are made of them (terraform/modules/signals).
const (
	keyStage     = "stage"
	keyConnect   = "connect"
	keySubscribe = "subscribe"
	keyPublish   = "publish"
	keyDelivery  = "delivery"
)
