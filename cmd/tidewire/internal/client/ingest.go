package client

import (
	"context"
	"net/http"
	"net/url"
)

// Ingest is an ingest endpoint, with a token for it. Close it.
type Ingest struct {
	*Server
	endpoint *url.URL
}

// NewIngest returns the ingest endpoint of a tenant. The error is a usage.Error.
func NewIngest(address, tenant, token string) (*Ingest, error) {
	s, err := New(address, token)
	if err != nil {
		return nil, err
	}
	return &Ingest{Server: s, endpoint: s.url.JoinPath("v1", "tenants", url.PathEscape(tenant), "events")}, nil
}

// Post sends events, which have to have IDs because a request may be repeated.
func (i *Ingest) Post(ctx context.Context, body []byte) ([]byte, error) {
	answer, _, err := i.do(ctx, http.MethodPost, i.endpoint, body)
	return answer, err
}
