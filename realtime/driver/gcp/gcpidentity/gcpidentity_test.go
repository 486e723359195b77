package gcpidentity

import (
	"context"
	"fmt"
	"testing"

	"cloud.google.com/go/auth"
)

// provider counts the tokens that are made.
type provider struct {
	audience string
	made     int
}

func (p *provider) Token(context.Context) (*auth.Token, error) {
	p.made++
	return &auth.Token{Value: fmt.Sprintf("%s %d", p.audience, p.made)}, nil
}

// Each audience has credentials of its own, which are made once, and there is a bound.
func TestSource(t *testing.T) {
	t.Parallel()
	made := 0
	s := newSource(func(audience string) (*auth.Credentials, error) {
		made++
		return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: &provider{audience: audience}}), nil
	})
	for _, want := range []string{"https://a 1", "https://a 2", "https://b 1"} {
		if got, err := s.Token(t.Context(), want[:len("https://a")]); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if made != 2 {
		t.Errorf("credentials were made %d times", made)
	}
	for i := range 2 * maxAudiences {
		if _, err := s.Token(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.all) > maxAudiences {
		t.Errorf("%d are remembered", len(s.all))
	}
}
