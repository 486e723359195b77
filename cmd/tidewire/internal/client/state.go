package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// StateEntry is one entry of a channel's stored state.
type StateEntry struct {
	Key         string            `json:"key"`
	Position    string            `json:"position"`
	Time        int64             `json:"time"` // ms
	ExpiresAt   int64             `json:"expiresAt,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	EventType   string            `json:"eventType,omitempty"`
	Source      string            `json:"source,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Data        json.RawMessage   `json:"data,omitempty"`
}

// StateValue is what a key is set to.
type StateValue struct {
	ID   string            `json:"id"`
	Data json.RawMessage   `json:"data"`
	TTL  string            `json:"ttl,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
}

// pageOfState is how many entries are asked for at once.
const pageOfState = 500

// State hands over the entries of a channel whose keys begin with a prefix, page by page, and returns how far the store had come with the
// last one.
func (a *API) State(ctx context.Context, tenant, channel, prefix string, take func([]StateEntry) error) (asOf time.Time, err error) {
	for after := ""; ; {
		to := a.state(tenant, channel)
		to.RawQuery = url.Values{"prefix": {prefix}, "after": {after}, "limit": {strconv.Itoa(pageOfState)}}.Encode()
		answer, _, err := a.do(ctx, http.MethodGet, to, nil)
		if err != nil {
			return asOf, err
		}
		var page struct {
			Entries []StateEntry `json:"entries"`
			Next    string       `json:"next"`
			AsOf    time.Time    `json:"asOf"`
		}
		if err := json.Unmarshal(answer, &page); err != nil || page.AsOf.IsZero() {
			return asOf, fmt.Errorf("--url: %s is not the management API, or is another version of it", a.URL())
		}
		if err := take(page.Entries); err != nil {
			return asOf, err
		}
		if page.Next == "" || page.Next == after {
			return page.AsOf, nil
		}
		after = page.Next
	}
}

// SetState sets a key. It may be sent several times, and is published once: its ID is made here.
func (a *API) SetState(ctx context.Context, tenant, channel, key string, value StateValue) (id string, err error) {
	value.ID = rand.Text()
	body, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	return a.publishState(ctx, http.MethodPut, body, tenant, channel, key)
}

// DeleteState removes a key.
func (a *API) DeleteState(ctx context.Context, tenant, channel, key string) (id string, err error) {
	return a.publishState(ctx, http.MethodDelete, nil, tenant, channel, key)
}

// ClearState removes all keys of a channel.
func (a *API) ClearState(ctx context.Context, tenant, channel string) (id string, err error) {
	return a.publishState(ctx, http.MethodDelete, nil, tenant, channel)
}

func (a *API) publishState(ctx context.Context, method string, body []byte, tenant, channel string, key ...string) (id string, err error) {
	answer, _, err := a.do(ctx, method, a.state(tenant, channel, key...), body)
	if err != nil {
		return "", err
	}
	var stored struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer, &stored) != nil || stored.ID == "" {
		return "", fmt.Errorf("--url: %s is not the management API, or is another version of it", a.URL())
	}
	return stored.ID, nil
}

// state is where the state of a channel is, or one of its keys. A dot is escaped as well, or a name of dots would be a step in the path.
func (a *API) state(tenant, channel string, key ...string) *url.URL {
	escape := func(name string) string { return strings.ReplaceAll(url.PathEscape(name), ".", "%2E") }
	to := a.tenants(tenant).JoinPath("channels", escape(channel), "state")
	for _, k := range key {
		to = to.JoinPath(escape(k))
	}
	return to
}
