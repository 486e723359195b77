package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// Question is what is to be explained: an event as it would be published, whose connections are asked about, and the owner of which token.
type Question struct {
	Channel   string            `json:"channel"`
	Key       string            `json:"key,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	Data      json.RawMessage   `json:"data,omitempty"`
	Delete    bool              `json:"delete,omitempty"`
	EventType string            `json:"eventType,omitempty"`
	Source    string            `json:"source,omitempty"`
	User      string            `json:"user,omitempty"`
	Token     string            `json:"token,omitempty"`
	Limit     int               `json:"limit,omitempty"`
}

// Verdict is what a server would answer.
type Verdict struct {
	Outcome string `json:"outcome"`
	Code    string `json:"code,omitempty"`
	Limit   string `json:"limit,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

// Explained is what would become of an event.
type Explained struct {
	Publish Verdict `json:"publish"`
	Access  *struct {
		User      string   `json:"user,omitempty"`
		Connect   Verdict  `json:"connect"`
		Subscribe *Verdict `json:"subscribe,omitempty"`
		Publish   *Verdict `json:"publish,omitempty"`
	} `json:"access,omitempty"`
	Subscriptions []struct {
		Connection string `json:"connection"`
		User       string `json:"user"`
		Pattern    string `json:"pattern,omitempty"`
		Sub        string `json:"sub,omitempty"`
		Outcome    string `json:"outcome"`
		Rule       string `json:"rule,omitempty"`
		Detail     string `json:"detail,omitempty"`
	} `json:"subscriptions"`
	More bool `json:"more,omitempty"`
	Heard
}

// Explain asks what would become of an event.
func (a *API) Explain(ctx context.Context, tenant string, q *Question) (*Explained, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	answer, _, err := a.do(ctx, http.MethodPost, a.tenants(tenant, "explain"), body)
	if err != nil {
		return nil, err
	}
	var e Explained
	if err := json.Unmarshal(answer, &e); err != nil {
		return nil, a.foreign(err)
	}
	return &e, nil
}
