// Package api sends requests over HTTP: events to the ingest endpoint, and calls of the management API.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/address"
	"github.com/tidewire/tidewire/clients/go/internal/token"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Options configure a Client. URL and Token are required.
type Options struct {
	// URL is that of the server, such as https://ingest.example.com, without a query.
	URL string
	// Token is that of tidewire.Options. It is called when there is no token, and once when the server has refused one.
	Token func(ctx context.Context) (string, error)
	// Header is sent with each request.
	Header http.Header
	// Patience is how long a request is tried again that may pass later; default 2 minutes. Negative: nothing is tried again.
	Patience time.Duration
	// AttemptTimeout bounds one try; default 30 s.
	AttemptTimeout time.Duration
}

// Client sends requests, with a token, to the ingest endpoint or the management API. A request is repeated until the server has taken it, as
// often and as late as it asks. It is safe for concurrent use. Close it.
type Client struct {
	o        Options
	url      *url.URL
	client   *http.Client
	answered atomic.Bool // it was reached before, so that it may come back

	mu    sync.Mutex // guards what follows
	token string
}

// New returns a Client. Its error has code CodeBadRequest and names the option that is wrong.
func New(o Options) (*Client, error) {
	u, err := address.Parse("URL", o.URL)
	if err != nil {
		return nil, err
	}
	if o.Token == nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "Token: is missing")
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	if o.AttemptTimeout <= 0 {
		o.AttemptTimeout = 30 * time.Second
	}
	return &Client{o: o, url: u, client: &http.Client{Timeout: o.AttemptTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}}, nil
}

// Close frees the connections.
func (h *Client) Close() { h.client.CloseIdleConnections() }

// URL is that of the server. It is the caller's.
func (h *Client) URL() *url.URL {
	u := *h.url
	return &u
}

// Refusal is an answer other than success: a problem document (RFC 9457).
type Refusal struct {
	Why    *realtime.Error
	Status int
	Parts  []problem.Part // what is wrong with which events of a batch
}

// Error is what the server says.
func (r *Refusal) Error() string { return r.Why.Error() }

// Unwrap returns the *realtime.Error.
func (r *Refusal) Unwrap() error { return r.Why }

// Do sends a request that may be repeated, such as one whose events have IDs, and returns the body and the header of its success. header may be nil. The
// error is a *Refusal, or another *realtime.Error if the server cannot be reached, or the end of ctx.
func (h *Client) Do(ctx context.Context, method string, to *url.URL, body []byte, header http.Header) ([]byte, http.Header, error) {
	deadline, renewed := time.Now().Add(h.o.Patience), false
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		have, err := h.current(ctx, "")
		if err != nil {
			return nil, nil, err
		}
		answer, got, err := h.try(ctx, have, method, to, body, header)
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if r := (*Refusal)(nil); errors.As(err, &r) && r.Status == http.StatusUnauthorized && !renewed {
			if _, bad := h.current(ctx, have); bad == nil {
				renewed = true
				continue
			}
		}
		after := max(wait, retryAfter(err))
		if !Temporary(err) || !h.answered.Load() || time.Now().Add(after).After(deadline) {
			return answer, got, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		case <-time.After(after + rand.N(after/2+1)): //nolint:gosec // spreads requests, hides nothing
		}
	}
}

// current returns the token, or another one than the one that was refused.
func (h *Client) current(ctx context.Context, refusedToken string) (string, error) {
	h.mu.Lock()
	have := h.token
	h.mu.Unlock()
	if have != "" && have != refusedToken {
		return have, nil
	}
	if refusedToken != "" {
		ctx = token.WithRefused(ctx)
	}
	next, err := h.o.Token(ctx)
	if err != nil {
		return "", &realtime.Error{Code: realtime.CodeUnauthorized, Message: "no token can be had", Err: err}
	}
	h.mu.Lock()
	h.token = next
	h.mu.Unlock()
	return next, nil
}

// Temporary reports whether an error is one after which to try again later.
func Temporary(err error) bool {
	if known := (*realtime.Error)(nil); errors.As(err, &known) {
		switch known.Code {
		case realtime.CodeUnavailable, realtime.CodeLimited, realtime.CodeDraining:
			return true
		}
	}
	return false
}

func (h *Client) try(ctx context.Context, bearer, method string, to *url.URL, body []byte, header http.Header) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(req.Header, h.o.Header)
	maps.Copy(req.Header, header)
	req.Header.Set("Authorization", "Bearer "+bearer)
	res, err := h.client.Do(req)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read from
	h.answered.Store(true)
	const most = 4 << 20
	answer, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return nil, nil, unreachable(err)
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return answer, res.Header, nil
	}
	return nil, nil, refusedBy(res, answer)
}

// maxWait is the longest wait that is believed.
const maxWait = time.Hour

func retryAfter(err error) time.Duration {
	if e := (*realtime.Error)(nil); errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func unreachable(err error) error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the server does not answer", Err: err}
}

// refusedBy reads a problem document, or makes do with the status of a proxy's own answer.
func refusedBy(res *http.Response, answer []byte) *Refusal {
	var p problem.Problem
	if json.Unmarshal(answer, &p) != nil || p.Code == "" {
		p.Code, p.Detail = realtime.CodeInternal, "the server answered "+res.Status
		if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
			p.Code = realtime.CodeUnavailable
		}
	}
	err := realtime.Errorf(p.Code, "%s", p.Detail)
	err.RetryAfter = min(max(time.Duration(p.RetryAfterMs), 0), maxWait/time.Millisecond) * time.Millisecond
	if s, bad := strconv.ParseInt(res.Header.Get("Retry-After"), 10, 64); bad == nil && err.RetryAfter == 0 {
		err.RetryAfter = min(max(time.Duration(s), 0), maxWait/time.Second) * time.Second
	}
	return &Refusal{Why: err, Status: res.StatusCode, Parts: p.Errors}
}
