package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tidewire/tidewire/realtime/httpapi"
)

// apiClient is the management API and an operator's token for it. Close it.
type apiClient struct{ *server }

// put makes or replaces a tenant, and returns what became of it.
func (a *apiClient) put(ctx context.Context, tenant string, document []byte) (change string, err error) {
	return a.change(ctx, http.MethodPut, document, tenant)
}

// change changes a tenant and returns what became of it.
func (a *apiClient) change(ctx context.Context, method string, body []byte, path ...string) (string, error) {
	_, header, err := a.do(ctx, method, a.tenants(path...), body)
	if err != nil {
		return "", err
	}
	change := header.Get(httpapi.ChangeHeader)
	if change == "" {
		return "", fmt.Errorf("--url: %s is not the management API", a.url)
	}
	return change, nil
}

// get returns a tenant's document, without secrets.
func (a *apiClient) get(ctx context.Context, tenant string) (json.RawMessage, error) {
	answer, _, err := a.do(ctx, http.MethodGet, a.tenants(tenant), nil)
	if err == nil && !json.Valid(answer) {
		err = fmt.Errorf("--url: %s is not the management API", a.url)
	}
	return answer, err
}

// list returns the names of all tenants, in order.
func (a *apiClient) list(ctx context.Context) ([]string, error) {
	all := []string{}
	for after := ""; ; {
		to := a.tenants()
		to.RawQuery = url.Values{"after": {after}, "limit": {"1000"}}.Encode()
		answer, _, err := a.do(ctx, http.MethodGet, to, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Tenants []string `json:"tenants"`
			Next    string   `json:"next"`
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, fmt.Errorf("--url: %s is not the management API: %w", a.url, err)
		}
		all = append(all, page.Tenants...)
		if page.Next == "" || page.Next == after {
			return all, nil
		}
		after = page.Next
	}
}

// tenants is where the tenants are, or something of one of them.
func (a *apiClient) tenants(path ...string) *url.URL {
	to := a.url.JoinPath("v1", "tenants")
	for _, p := range path {
		to = to.JoinPath(url.PathEscape(p))
	}
	return to
}
