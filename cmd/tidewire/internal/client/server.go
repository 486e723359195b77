package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/clients/go/api"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// Server answers requests to which a token is added. Close it.
type Server struct{ *api.Client }

// Refusal is an answer other than success.
type Refusal = api.Refusal

// New returns the Server at a URL. google is an identity token for Cloud Run's IAM, which would take the other for its own; empty: none is in front.
// The error is a usage.Error.
func New(address, token, google string) (*Server, error) {
	if err := CheckAddress(address); err != nil {
		return nil, err
	}
	o := options(address, token)
	if google != "" {
		o.Header = http.Header{"X-Serverless-Authorization": {"Bearer " + google}}
	}
	h, err := api.New(o)
	if err != nil {
		return nil, usage.Errorf("--url or TIDEWIRE_URL: %w", err)
	}
	return &Server{h}, nil
}

func options(address, token string) api.Options {
	return api.Options{URL: address, Token: tidewire.StaticToken(token)}
}

// do sends a request, which may be repeated, until the server has taken it, as often and as late as it asks.
// The error is a *Refusal, or another *realtime.Error if it cannot be reached.
func (s *Server) do(ctx context.Context, method string, to *url.URL, body []byte) ([]byte, http.Header, error) {
	return s.doIf(ctx, method, to, body, nil)
}

// doIf is do with header fields of a condition.
func (s *Server) doIf(ctx context.Context, method string, to *url.URL, body []byte, condition http.Header) ([]byte, http.Header, error) {
	return s.Do(ctx, method, to, body, condition)
}

// Temporary reports whether an error is one after which to try again later.
func Temporary(err error) bool { return api.Temporary(err) }

func unreachable(err error) error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the server does not answer", Err: err}
}

// CheckAddress refuses what is no address of a server. The error is a usage.Error.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	shown, _, _ := strings.Cut(address, "?") // behind it may be a token
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return usage.Errorf("--url or TIDEWIRE_URL: must be a URL such as http://127.0.0.1:8080, got %.100q", strings.TrimSpace(shown))
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return usage.Errorf("--url or TIDEWIRE_URL: must have no query, fragment or user")
	}
	return nil
}
