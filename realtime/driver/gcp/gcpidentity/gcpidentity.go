// Package gcpidentity gets ID tokens of the account that the process runs as, from the metadata server of Google Cloud or from what else Application
// Default Credentials are.
package gcpidentity

import (
	"context"
	"sync"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/idtoken"
)

// maxAudiences is for how many audiences tokens are remembered.
const maxAudiences = 1024

// Source gets tokens and remembers them until they end. It is safe for concurrent use.
type Source struct {
	make func(audience string) (*auth.Credentials, error)

	mu  sync.Mutex // guards all
	all map[string]*auth.Credentials
}

// New returns a Source. Nothing is asked before the first token.
func New() *Source {
	return newSource(func(audience string) (*auth.Credentials, error) {
		return idtoken.NewCredentials(&idtoken.Options{Audience: audience})
	})
}

func newSource(make func(string) (*auth.Credentials, error)) *Source {
	return &Source{make: make, all: map[string]*auth.Credentials{}}
}

// Token returns a token for an audience.
func (s *Source) Token(ctx context.Context, audience string) (string, error) {
	c, err := s.credentials(audience)
	if err != nil {
		return "", err
	}
	token, err := c.Token(ctx)
	if err != nil {
		return "", err
	}
	return token.Value, nil
}

// credentials are those of an audience, which remember their token. When there are too many all are forgotten: that costs a call each.
func (s *Source) credentials(audience string) (*auth.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.all[audience]; c != nil {
		return c, nil
	}
	c, err := s.make(audience)
	if err != nil {
		return nil, err
	}
	if len(s.all) >= maxAudiences {
		clear(s.all)
	}
	s.all[audience] = c
	return c, nil
}
