package client

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

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

const (
	// patience is how long a request that may pass later is tried again.
	patience = 2 * time.Minute
	// attemptTimeout bounds one attempt.
	attemptTimeout = 30 * time.Second
)

// Server answers requests to which a token is added. Close it.
type Server struct {
	url      *url.URL
	token    string
	Google   string // an identity token for Cloud Run's IAM, which would take the other for its own
	http     *http.Client
	answered bool // it was reached before, so that it may come back
}

// New returns the Server at a URL. The error is a usage.Error.
func New(address, token string) (*Server, error) {
	u, err := serverURL(address)
	if err != nil {
		return nil, err
	}
	return &Server{url: u, token: token, http: &http.Client{Timeout: attemptTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}}, nil
}

// Close frees the connections.
func (s *Server) Close() { s.http.CloseIdleConnections() }

// Refusal is an answer other than 200: a problem document (RFC 9457).
type Refusal struct {
	Why    *realtime.Error
	Status int
	Parts  []problem.Part // what is wrong with events of the batch
}

// Error is what the server says.
func (r *Refusal) Error() string { return r.Why.Error() }

// Unwrap returns the *realtime.Error.
func (r *Refusal) Unwrap() error { return r.Why }

// do sends a request, which may be repeated, until the server has taken it, as often and as late as it asks.
// The error is a *Refusal, or another *realtime.Error if it cannot be reached.
func (s *Server) do(ctx context.Context, method string, to *url.URL, body []byte) ([]byte, http.Header, error) {
	return s.doIf(ctx, method, to, body, nil)
}

// doIf is do with header fields of a condition.
func (s *Server) doIf(ctx context.Context, method string, to *url.URL, body []byte, condition http.Header) ([]byte, http.Header, error) {
	deadline := time.Now().Add(patience)
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		answer, header, err := s.try(ctx, method, to, body, condition)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		after := max(wait, retryAfter(err))
		if !Temporary(err) || !s.answered || time.Now().Add(after).After(deadline) {
			return answer, header, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(after + rand.N(after/2+1)): //nolint:gosec // spreads requests, hides nothing
		}
	}
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

func retryAfter(err error) time.Duration {
	if e := (*realtime.Error)(nil); errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func (s *Server) try(ctx context.Context, method string, to *url.URL, body []byte, condition http.Header) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(req.Header, condition)
	req.Header.Set("Authorization", "Bearer "+s.token)
	if s.Google != "" {
		req.Header.Set("X-Serverless-Authorization", "Bearer "+s.Google)
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
func refused(res *http.Response, answer []byte) *Refusal {
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
	return &Refusal{Why: err, Status: res.StatusCode, Parts: p.Errors}
}

// serverURL parses the address of a server.
func serverURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	shown, _, _ := strings.Cut(address, "?") // behind it may be a token
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, usage.Errorf("--url or TIDEWIRE_URL: must be a URL such as http://127.0.0.1:8080, got %.100q", strings.TrimSpace(shown))
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, usage.Errorf("--url or TIDEWIRE_URL: must have no query, fragment or user")
	}
	return u, nil
}
