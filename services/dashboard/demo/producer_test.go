package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/services/dashboard/demo"
)

// endpoint is an ingest endpoint without a network, so that time can be faked: it
// answers the n-th request, counted from 1, with what answer says, and keeps what it took.
type endpoint struct {
	answer func(n int, token string) (status int, header, value string)

	mu    sync.Mutex // guards what follows
	n     int
	taken []event
	at    []time.Time // of each request
}

type event struct {
	ID, Channel, Key string
	Data             int
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n++
	e.at = append(e.at, time.Now())
	status, header, value := http.StatusOK, "", ""
	if e.answer != nil {
		status, header, value = e.answer(e.n, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	if status == http.StatusOK {
		var got []event
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			return nil, err
		}
		e.taken = append(e.taken, got...)
	}
	w := httptest.NewRecorder()
	if header != "" {
		w.Header().Set(header, value)
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"detail":"says no"}`)
	return w.Result(), nil
}

// count is a feed of A1, B1, A2, B2 and so on.
func count() demo.Feed {
	n := 0
	return demo.Feed{Name: "a count", Every: time.Second, Next: func(time.Time) []demo.Event {
		n++
		return []demo.Event{{Channel: "prices:g", Key: "A", Data: n}, {Channel: "prices:g", Key: "B", Data: n}}
	}}
}

func producer(e *endpoint) demo.Producer {
	tokens := 0
	return demo.Producer{
		URL: "http://ingest.example.com/", Tenant: "acme", Feeds: []demo.Feed{count()},
		Client: &http.Client{Transport: e},
		Token:  func(context.Context) (string, error) { tokens++; return fmt.Sprint("token-", tokens), nil },
	}
}

func runFor(t *testing.T, p demo.Producer, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return p.Run(ctx)
}

func TestProducerSendsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		if err := runFor(t, producer(e), 2*time.Second+time.Millisecond); err != nil {
			t.Fatal(err)
		}
		var got []string
		ids := map[string]bool{}
		for _, v := range e.taken {
			got = append(got, fmt.Sprint(v.Channel, " ", v.Key, v.Data))
			ids[v.ID] = true
		}
		want := []string{"prices:g A1", "prices:g B1", "prices:g A2", "prices:g B2", "prices:g A3", "prices:g B3"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if len(ids) != len(want) {
			t.Errorf("%d ids for %d events", len(ids), len(want))
		}
	})
}

func TestProducerComesBack(t *testing.T) {
	t.Parallel()
	after := func(status int, header, value string) func(int, string) (int, string, string) {
		return func(n int, _ string) (int, string, string) {
			if n == 2 {
				return status, header, value
			}
			return http.StatusOK, "", ""
		}
	}
	tests := []struct {
		name   string
		answer func(int, string) (int, string, string)
		wait   time.Duration // at least
	}{
		{"busy, for so many seconds", after(http.StatusTooManyRequests, "Retry-After", "7"), 7 * time.Second},
		{"draining, until a time", after(http.StatusServiceUnavailable, "Retry-After", "Sat, 01 Jan 2000 00:00:05 GMT"), 4 * time.Second},
		{"busy, and says not how long", after(http.StatusTooManyRequests, "", ""), 50 * time.Millisecond},
		{"a fault", after(http.StatusInternalServerError, "", ""), 50 * time.Millisecond},
		{"away", after(0, "", ""), 50 * time.Millisecond},
		{"the token has ended", func(_ int, token string) (int, string, string) {
			if token == "token-1" {
				return http.StatusUnauthorized, "", ""
			}
			return http.StatusOK, "", ""
		}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{answer: test.answer}
				if err := runFor(t, producer(e), 30*time.Second); err != nil {
					t.Fatal(err)
				}
				if waited := e.at[2].Sub(e.at[1]); waited < test.wait || waited > test.wait+time.Second {
					t.Errorf("came back after %v, want %v and little more", waited, test.wait)
				}
				var got string
				for _, v := range e.taken[:6] {
					got += fmt.Sprint(v.Key, v.Data)
				}
				if got != "A1B1A2B2A3B3" {
					t.Errorf("events %s: one is missing or came twice", got)
				}
			})
		})
	}
}

func TestProducerGivesUp(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{answer: func(int, string) (int, string, string) { return status, "", "" }}
				err := runFor(t, producer(e), time.Minute)
				if err == nil || !strings.Contains(err.Error(), "says no") || !strings.Contains(err.Error(), "a count") {
					t.Errorf("error %v, want what the endpoint said and of which feed", err)
				}
				if e.n > 2 {
					t.Errorf("%d requests for an event that is refused for good", e.n)
				}
			})
		})
	}
}

func TestProducerNeedsATokenAndATenant(t *testing.T) {
	t.Parallel()
	p := producer(&endpoint{})
	p.Token = func(context.Context) (string, error) { return "", errors.New("no key") }
	if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no key") {
		t.Errorf("without a token: %v", err)
	}
	p = producer(&endpoint{})
	p.Tenant = "../globex"
	if err := p.Run(t.Context()); err == nil {
		t.Error("took a tenant that is a path")
	}
}

func ExampleProducer() {
	// An endpoint that takes everything; tidewire dev has one at the same path.
	first := make(chan string, 1)
	ingest := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var events []struct{ Channel, Key string }
		_ = json.Unmarshal(body, &events)
		select {
		case first <- fmt.Sprint(r.URL.Path, " ", events[0].Channel):
		default:
		}
	}))
	defer ingest.Close()

	simulated, err := demo.Feeds("acme")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := demo.Producer{
		URL: ingest.URL, Tenant: "acme", Feeds: simulated[:1], Client: ingest.Client(),
		Token: func(context.Context) (string, error) { return "a token that may publish", nil },
	}
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	fmt.Println(<-first)
	cancel()
	fmt.Println(<-done)
	// Output:
	// /v1/tenants/acme/events prices:equities
	// <nil>
}
