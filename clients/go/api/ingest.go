package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

// Ingest publishes over HTTP: to the ingest endpoint, or with an operator's token to the management API. It is safe for concurrent use. Close it.
type Ingest struct {
	*Client
	to *url.URL
}

// NewIngest returns the Ingest of a tenant.
func NewIngest(tenant string, o Options) (*Ingest, error) {
	if err := realtime.CheckTenantID(tenant); err != nil {
		return nil, err
	}
	h, err := New(o)
	if err != nil {
		return nil, err
	}
	return &Ingest{h, h.url.JoinPath("v1", "tenants", url.PathEscape(tenant), "events")}, nil
}

// Publish publishes events, in order and in one request, and returns the answer of the server when that has stored all of them. If one is refused,
// none is published, and the error is a *Refusal that says which. An event without an ID is given one, in events, so that the request
// can be repeated. How many there may be is for the tenant to say (limits.batchEvents, 1,000 by default).
func (i *Ingest) Publish(ctx context.Context, events []tidewire.Event) (answer []byte, err error) {
	for n := range events {
		events[n].Identify()
	}
	body, err := json.Marshal(events)
	if err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "events: %v", err)
	}
	answer, _, err = i.Do(ctx, http.MethodPost, i.to, body, nil)
	return answer, err
}
