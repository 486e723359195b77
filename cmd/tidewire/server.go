package main

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
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

const (
	// patience is how long a request that may pass later is tried again.
	patience = 2 * time.Minute
	// attemptTimeout bounds one attempt.
	attemptTimeout = 30 * time.Second
)

// server is somebody who answers requests, and a token for it. Close it.
type server struct {
	url      *url.URL
	token    string
	google   string // an identity token for Cloud Run's IAM, which would take the other for its own
	http     *http.Client
	answered bool // it was reached before, so that it may come back
}

func newServer(address, token string) (*server, error) {
	u, err := serverURL(address)
	if err != nil {
		return nil, err
	}
	return &server{url: u, token: token, http: &http.Client{Timeout: attemptTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}}, nil
}

func (s *server) close() { s.http.CloseIdleConnections() }

// refusal is an answer other than 200: a problem document (RFC 9457).
type refusal struct {
	why    *realtime.Error
	status int
	parts  []problem.Part // what is wrong with events of the batch
}

func (r *refusal) Error() string { return r.why.Error() }
func (r *refusal) Unwrap() error { return r.why }

// do sends a request, which may be repeated, until the server has taken it, as often and as late as it asks.
// The error is a *refusal, or another *realtime.Error if it cannot be reached.
func (s *server) do(ctx context.Context, method string, to *url.URL, body []byte) ([]byte, http.Header, error) {
	return s.doIf(ctx, method, to, body, nil)
}

// doIf is do with header fields of a condition.
func (s *server) doIf(ctx context.Context, method string, to *url.URL, body []byte, condition http.Header) ([]byte, http.Header, error) {
	deadline := time.Now().Add(patience)
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		answer, header, err := s.try(ctx, method, to, body, condition)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		after := max(wait, retryAfter(err))
		if exitCode(err) != exitUnavailable || !s.answered || time.Now().Add(after).After(deadline) {
			return answer, header, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(after + rand.N(after/2+1)): //nolint:gosec // spreads requests, hides nothing
		}
	}
}

func retryAfter(err error) time.Duration {
	if e := (*realtime.Error)(nil); errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func (s *server) try(ctx context.Context, method string, to *url.URL, body []byte, condition http.Header) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(req.Header, condition)
	req.Header.Set("Authorization", "Bearer "+s.token)
	if s.google != "" {
		req.Header.Set("X-Serverless-Authorization", "Bearer "+s.google)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read from
	s.answered = true
	answer, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return nil, nil, unreachable(err)
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return answer, res.Header, nil
	}
	return nil, nil, refused(res, answer)
}

func unreachable(err error) error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the server does not answer", Err: err}
}

// refused reads a problem document, or makes do with the status of a proxy's own answer.
func refused(res *http.Response, answer []byte) *refusal {
	var p problem.Problem
	if json.Unmarshal(answer, &p) != nil || p.Code == "" {
		p.Code, p.Detail = realtime.CodeInternal, "the server answered "+res.Status
		if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
			p.Code = realtime.CodeUnavailable
		}
	}
	err := realtime.Errorf(p.Code, "%s", p.Detail)
	err.RetryAfter = time.Duration(p.RetryAfterMs) * time.Millisecond
	if s, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && err.RetryAfter == 0 {
		err.RetryAfter = time.Duration(s) * time.Second
	}
	return &refusal{why: err, status: res.StatusCode, parts: p.Errors}
}

// serverURL parses the address of a server.
func serverURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	shown, _, _ := strings.Cut(address, "?") // behind it may be a token
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, usagef("--url or TIDEWIRE_URL: must be a URL such as http://127.0.0.1:8080, got %.100q", strings.TrimSpace(shown))
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, usagef("--url or TIDEWIRE_URL: must have no query, fragment or user")
	}
	return u, nil
}
