package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tidewire/tidewire/realtime/httpapi"
)

// API is the management API, called with an operator's token.
type API struct{ *Server }

// Plan asks what a document would change, and returns the ETag of the one that is there; empty if there is none.
func (a *API) Plan(ctx context.Context, tenant string, document []byte, prune bool) (p *httpapi.Plan, tag string, err error) {
	to := a.tenants(tenant)
	to.RawQuery = patchQuery(prune, true)
	answer, header, err := a.do(ctx, http.MethodPatch, to, document)
	if err != nil {
		return nil, "", err
	}
	if json.Unmarshal(answer, &p) != nil || p == nil || p.Change == "" {
		return nil, "", fmt.Errorf("--url: %s is not the management API, or is another version of it", a.URL())
	}
	return p, header.Get("ETag"), nil
}

// Patch makes the change that was planned, and returns what became of the tenant. If somebody else has written the
// document since, the error is one of Overtaken.
func (a *API) Patch(ctx context.Context, tenant string, document []byte, prune bool, tag string) (change string, err error) {
	to := a.tenants(tenant)
	to.RawQuery = patchQuery(prune, false)
	condition := http.Header{"If-Match": {tag}}
	if tag == "" {
		condition = http.Header{"If-None-Match": {"*"}}
	}
	_, header, err := a.doIf(ctx, http.MethodPatch, to, document, condition)
	if err != nil {
		return "", err
	}
	return header.Get(httpapi.ChangeHeader), nil
}

func patchQuery(prune, dryRun bool) string {
	q := url.Values{}
	if prune {
		q.Set("prune", "true")
	}
	if dryRun {
		q.Set("dryRun", "true")
	}
	return q.Encode()
}

// Overtaken reports whether a change was refused because somebody else has changed the document since it was planned.
func Overtaken(err error) bool {
	r := (*Refusal)(nil)
	return errors.As(err, &r) && r.Status == http.StatusPreconditionFailed
}

// Change changes a tenant and returns what became of it.
func (a *API) Change(ctx context.Context, method string, body []byte, path ...string) (string, error) {
	_, header, err := a.do(ctx, method, a.tenants(path...), body)
	if err != nil {
		return "", err
	}
	change := header.Get(httpapi.ChangeHeader)
	if change == "" {
		return "", fmt.Errorf("--url: %s is not the management API", a.URL())
	}
	return change, nil
}

// Get returns a tenant's document, without secrets.
func (a *API) Get(ctx context.Context, tenant string) (json.RawMessage, error) {
	answer, _, err := a.do(ctx, http.MethodGet, a.tenants(tenant), nil)
	if err == nil && !json.Valid(answer) {
		err = fmt.Errorf("--url: %s is not the management API", a.URL())
	}
	return answer, err
}

// List returns the names of all tenants, in order.
func (a *API) List(ctx context.Context) ([]string, error) {
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
			return nil, fmt.Errorf("--url: %s is not the management API: %w", a.URL(), err)
		}
		all = append(all, page.Tenants...)
		if page.Next == "" || page.Next == after {
			return all, nil
		}
		after = page.Next
	}
}

// tenants is where the tenants are, or something of one of them.
func (a *API) tenants(path ...string) *url.URL {
	to := a.URL().JoinPath("v1", "tenants")
	for _, p := range path {
		to = to.JoinPath(url.PathEscape(p))
	}
	return to
}
