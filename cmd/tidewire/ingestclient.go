package main

import (
	"context"
	"net/http"
	"net/url"
)

// ingestClient is an ingest endpoint and a token for it. Close it.
type ingestClient struct {
	*server
	endpoint *url.URL
}

func newIngestClient(address, tenant, token string) (*ingestClient, error) {
	s, err := newServer(address, token)
	if err != nil {
		return nil, err
	}
	return &ingestClient{server: s, endpoint: s.url.JoinPath("v1", "tenants", url.PathEscape(tenant), "events")}, nil
}

// post sends events, which have to have IDs because a request may be repeated.
func (i *ingestClient) post(ctx context.Context, body []byte) ([]byte, error) {
	answer, _, err := i.do(ctx, http.MethodPost, i.endpoint, body)
	return answer, err
}
