package httpapi

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/intake"
)

// Registry knows who is connected; it is the part of realtime.Registry that is asked here.
type Registry interface {
	Connections(ctx context.Context, tenant string, q realtime.ConnectionQuery) (realtime.ConnectionPage, error)
}

// Publisher publishes to channels, and sends to connections and closes them wherever they are.
// *publish.Publisher is one.
type Publisher interface {
	intake.Publisher
	SendDirect(ctx context.Context, t *realtime.Tenant, to realtime.Target, event *realtime.Publication) error
	SendClose(ctx context.Context, t *realtime.Tenant, to realtime.Target, code realtime.Code, before time.Time) error
}

// Limiter holds tenants and users to their limits. *limit.Limiter is one.
type Limiter interface {
	intake.Limiter
	// Request lets a user make a call, or refuses with CodeLimited.
	Request(t *realtime.Tenant, user string) error
	// MayPublish says what Publish would, and counts nothing.
	MayPublish(t *realtime.Tenant, user string, n int) error
}

// History reads pages of what was published to a channel. p is who is to see it; nil sees everything.
type History interface {
	Page(ctx context.Context, t *realtime.Tenant, p *realtime.Principal, req *history.Request) (*history.Page, error)
}

// Options say what the API is made of. Those up to Publisher are required.
type Options struct {
	// Verifier judges the tokens of tenants. It has to ask the same Revocations.
	Verifier    auth.TokenVerifier
	Tenants     realtime.TenantStore // the memory and gcp drivers' Tenants are ones
	Registry    Registry
	Revocations realtime.Revocations
	Publisher   Publisher

	// Operators judges the tokens of operators, and of nobody else; NewOperators makes one. nil: there are no
	// operators, and what only they may do nobody may.
	Operators auth.TokenVerifier
	// Topics makes a tenant's topic before its document is written; nil: a topic needs no making.
	Topics realtime.TopicMaker
	// Placement says which topic carries a tenant, everywhere the same; nil is realtime.OwnTopic.
	Placement func(*realtime.Tenant) realtime.Topic
	// States has what is stored of keyed state; nil: nothing is.
	States realtime.StateStore
	// History reads what topics keep; nil: this API does not. *retained.Reader is one.
	History History
	// Survey asks the instances who is present and what is read; nil: this API does not. *survey.Surveyor is one.
	Survey Survey
	// Retention is how long topics keep messages, and so the longest windowFor of a document; 0 is realtime.DefaultRetention.
	Retention time.Duration
	// Limiter counts publishes and requests. nil holds nobody to anything. Operators are not held to
	// requestsPerSecond.
	Limiter Limiter
	// TenantClaim is that of the Verifier; empty is "tenant".
	TenantClaim string
	// TokenTTL is how long a token is good at most that is made here; 0 is 24 hours.
	TokenTTL time.Duration
	// TokenLife is how long any token of any issuer is good at most: for as long a logout is remembered. 0 is a year.
	TokenLife time.Duration

	Metrics realtime.Metrics // nil forgets
	Logger  *slog.Logger     // of changes and faults; nil discards
}

func (o Options) withDefaults() Options {
	if o.Placement == nil {
		o.Placement = realtime.OwnTopic
	}
	o.Retention = cmp.Or(o.Retention, realtime.DefaultRetention)
	o.TokenTTL = cmp.Or(o.TokenTTL, 24*time.Hour)
	o.TokenLife = cmp.Or(o.TokenLife, 366*24*time.Hour)
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
