package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tidewire/tidewire/realtime"
)

// Heard says what an answer is made of that all instances were asked for.
type Heard struct {
	Complete bool     `json:"complete"`
	Missing  []string `json:"missing,omitempty"` // instances that have not answered
}

// Present is who is present on a channel.
type Present struct {
	Members   []realtime.Member `json:"members"`
	Count     int               `json:"count"`
	Truncated bool              `json:"truncated,omitempty"` // Members are not all
	Heard
}

// ReadChannel is a channel that somebody reads.
type ReadChannel struct {
	Channel     string `json:"channel"`
	Connections int    `json:"connections"`
	Users       int    `json:"users"`
}

// WantedChannel is a channel that somebody reads, and how it is wanted.
type WantedChannel struct {
	Channel  string         `json:"channel"`
	Watchers int            `json:"watchers"`
	Users    int            `json:"users"`
	Keys     map[string]int `json:"keys,omitempty"`    // nil if somebody has all keys
	MaxRate  float64        `json:"maxRate,omitempty"` // 0 is without limit
	Since    int64          `json:"since"`             // ms
}

// pageOfSurvey is how many channels are asked for at once.
const pageOfSurvey = 1000

// Presence asks who is present on a channel.
func (a *API) Presence(ctx context.Context, tenant, channel string) (*Present, error) {
	answer, _, err := a.do(ctx, http.MethodGet, a.tenants(tenant, "channels", channel, "presence"), nil)
	if err != nil {
		return nil, err
	}
	var p Present
	if err := json.Unmarshal(answer, &p); err != nil {
		return nil, a.foreign(err)
	}
	return &p, nil
}

// Channels returns the channels that are read whose names begin with a prefix, in order: all of them.
func (a *API) Channels(ctx context.Context, tenant, prefix string) ([]ReadChannel, Heard, error) {
	return survey[ReadChannel](ctx, a, a.tenants(tenant, "channels"), url.Values{"prefix": {prefix}})
}

// Demand returns what is wanted of a namespace, by channel.
func (a *API) Demand(ctx context.Context, tenant, namespace string) ([]WantedChannel, Heard, error) {
	return survey[WantedChannel](ctx, a, a.tenants(tenant, "demand"), url.Values{"namespace": {namespace}})
}

// survey reads all pages of an answer.
func survey[T any](ctx context.Context, a *API, to *url.URL, query url.Values) ([]T, Heard, error) {
	all, heard := []T{}, Heard{Complete: true}
	query.Set("limit", strconv.Itoa(pageOfSurvey))
	for after := ""; ; {
		query.Set("after", after)
		to.RawQuery = query.Encode()
		answer, _, err := a.do(ctx, http.MethodGet, to, nil)
		if err != nil {
			return nil, heard, err
		}
		var page struct {
			Channels []T    `json:"channels"`
			Next     string `json:"next"`
			Heard
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, heard, a.foreign(err)
		}
		all = append(all, page.Channels...)
		if !page.Complete {
			heard = page.Heard
		}
		if page.Next == "" || page.Next == after {
			return all, heard, nil
		}
		after = page.Next
	}
}

// foreign is the error of an answer that cannot be read.
func (a *API) foreign(err error) error {
	return fmt.Errorf("--url: %s is not the management API, or is another version of it: %w", a.URL(), err)
}
