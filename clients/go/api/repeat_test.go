package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A request is sent again, the same, while the server says that it may pass later, and once with another token.
func TestPublishIsRepeated(t *testing.T) {
	t.Parallel()
	var bodies []string
	answers := []int{http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if want := "Bearer " + []string{"first", "first", "second", "second"}[len(bodies)]; err != nil || r.Header.Get("Authorization") != want {
			t.Errorf("%v, %q", err, r.Header.Get("Authorization"))
		}
		bodies = append(bodies, string(body))
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(answers[len(bodies)-1])
		_, _ = io.WriteString(w, `{"code":"`+map[int]string{503: "unavailable", 401: "unauthorized", 429: "limited"}[answers[len(bodies)-1]]+`","retryAfterMs":1}`)
	}))
	defer server.Close()
	i, err := NewIngest("acme", Options{URL: server.URL, Token: func(ctx context.Context) (string, error) {
		if tidewire.Refused(ctx) {
			return "second", nil
		}
		return "first", nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	events := []tidewire.Event{{Channel: "prices:fx", Data: json.RawMessage("1")}}
	if _, err := i.Publish(t.Context(), events); err != nil || len(bodies) != 4 || events[0].ID == "" {
		t.Fatalf("%v after %d tries", err, len(bodies))
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("%s was sent, and then %s", bodies[0], b)
		}
	}
}

// What cannot pass is not sent again, nor anything when that is not wanted.
func TestNotRepeated(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	status := http.StatusForbidden
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"code":"forbidden","detail":"no grant","errors":[{"index":0,"code":"forbidden","detail":"no grant"}]}`)
	}))
	token := tidewire.StaticToken("t")
	for _, o := range []Options{{URL: server.URL, Token: token}, {URL: server.URL, Token: token, Patience: -1}} {
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Do(t.Context(), http.MethodPost, c.URL(), nil, nil)
		var refusal *Refusal
		if !errors.As(err, &refusal) || realtime.CodeOf(err) != realtime.CodeForbidden || len(refusal.Parts) != 1 || refusal.Status != status {
			t.Errorf("%v", err)
		}
		c.Close()
	}
	server.Close()
	c, err := New(Options{URL: server.URL, Token: token, Patience: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.Do(t.Context(), http.MethodGet, c.URL(), nil, nil); realtime.CodeOf(err) != realtime.CodeUnavailable || tries.Load() != 2 {
		t.Errorf("%v after %d tries", err, tries.Load())
	}
	for _, o := range []Options{{Token: token}, {URL: "http://a"}, {URL: "http://a?b", Token: token}, {URL: "ftp://a", Token: token}} {
		if _, err := New(o); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("%+v: %v", o.URL, err)
		}
	}
	if _, err := NewIngest("a/b", Options{URL: "http://a", Token: token}); realtime.CodeOf(err) != realtime.CodeBadRequest {
		t.Errorf("a tenant that cannot be: %v", err)
	}
}
