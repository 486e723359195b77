package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Keys are the keys of a tenant, the one that signs first, without what is secret.
type Keys struct {
	Keys []struct {
		KID   string    `json:"kid,omitempty"`
		Alg   string    `json:"alg"`
		PEM   string    `json:"pem,omitempty"`
		Until time.Time `json:"until,omitzero"`
	} `json:"keys"`
	KID    string `json:"kid,omitempty"`    // of the key that was added
	Secret string `json:"secret,omitempty"` // that was made for it
}

// NewKey is a key that is to be added.
type NewKey struct {
	KID     string            `json:"kid,omitempty"`
	Alg     string            `json:"alg,omitempty"`
	Overlap realtime.Duration `json:"overlap,omitzero"` // how long the one is good that it takes the place of
}

// Keys lists them.
func (a *API) Keys(ctx context.Context, tenant string) (*Keys, error) {
	return a.keys(ctx, http.MethodGet, a.tenants(tenant, "keys"), nil)
}

// AddKey adds one, for which the server makes a secret.
func (a *API) AddKey(ctx context.Context, tenant string, k *NewKey) (*Keys, error) {
	return a.keys(ctx, http.MethodPost, a.tenants(tenant, "keys"), k)
}

// RotateKey adds one in the place of another.
func (a *API) RotateKey(ctx context.Context, tenant, kid string, k *NewKey) (*Keys, error) {
	return a.keys(ctx, http.MethodPost, a.tenants(tenant, "keys", kid, "rotate"), struct {
		Overlap realtime.Duration `json:"overlap"` // also if it is 0
	}{k.Overlap})
}

// WithdrawKey removes one.
func (a *API) WithdrawKey(ctx context.Context, tenant, kid string) (*Keys, error) {
	return a.keys(ctx, http.MethodDelete, a.tenants(tenant, "keys", kid), nil)
}

func (a *API) keys(ctx context.Context, method string, to *url.URL, body any) (*Keys, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	answer, _, err := a.do(ctx, method, to, text)
	if err != nil {
		return nil, err
	}
	var k Keys
	if err := json.Unmarshal(answer, &k); err != nil {
		return nil, a.foreign(err)
	}
	return &k, nil
}
