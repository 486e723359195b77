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
	Data             demo.Event
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
		var got event
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			return nil, err
		}
		e.taken = append(e.taken, got)
	}
	w := httptest.NewRecorder()
	if header != "" {
		w.Header().Set(header, value)
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"detail":"says no"}`)
	return w.Result(), nil
}

// twoByThree is a desk of two instruments and three dates, replayed in three seconds.
func twoByThree(tenant string) demo.Desk {
	series := func(prices ...float64) (q []demo.Quote) {
		for i, p := range prices {
			q = append(q, demo.Quote{Date: fmt.Sprintf("2000-01-0%d", i+1), Price: p})
		}
		return q
	}
	return demo.Desk{Tenant: tenant, Group: "g", Unit: "USD", Step: time.Second, Instruments: []demo.Instrument{
		{Symbol: "A", Name: "a", Quotes: series(1.1, 1.3, 1.2)},
		{Symbol: "B", Name: "b", Quotes: series(10, 10, 20.05)},
	}}
}

func producer(e *endpoint) demo.Producer {
	tokens := 0
	return demo.Producer{
		URL: "http://ingest.example.com/", Tenant: "acme", Desks: []demo.Desk{twoByThree("acme"), twoByThree("globex")},
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

func TestProducerReplaysInOrderAndBeginsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		if err := runFor(t, producer(e), 4*time.Second+time.Millisecond); err != nil {
			t.Fatal(err)
		}
		var got []string
		ids := map[string]bool{}
		for _, v := range e.taken {
			change := "-"
			if v.Data.Change != nil {
				change = fmt.Sprint(*v.Data.Change)
			}
			got = append(got, fmt.Sprint(v.Channel, " ", v.Key, " ", v.Data.Price, " ", change, " ", v.Data.Date, " lap ", v.Data.Lap))
			ids[v.ID] = true
		}
		want := []string{
			"prices:g A 1.1 - 2000-01-01 lap 1", "prices:g B 10 - 2000-01-01 lap 1",
			"prices:g A 1.3 0.2 2000-01-02 lap 1", "prices:g B 10 0 2000-01-02 lap 1",
			"prices:g A 1.2 -0.1 2000-01-03 lap 1", "prices:g B 20.05 10.05 2000-01-03 lap 1",
			"prices:g A 1.1 - 2000-01-01 lap 2", "prices:g B 10 - 2000-01-01 lap 2",
		}
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
				var keys string
				for _, v := range e.taken[:6] {
					keys += v.Key
				}
				if keys != "ABABAB" {
					t.Errorf("events of %s: one is missing or came twice", keys)
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
				if err == nil || !strings.Contains(err.Error(), "says no") || !strings.Contains(err.Error(), "prices:g") {
					t.Errorf("error %v, want what the endpoint said and of which channel", err)
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
		var e event
		_ = json.Unmarshal(body, &e)
		select {
		case first <- fmt.Sprint(r.URL.Path, " ", e.Channel, " ", e.Key, " ", e.Data.Price):
		default:
		}
	}))
	defer ingest.Close()

	recorded, err := demo.Desks()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := demo.Producer{
		URL: ingest.URL, Tenant: "acme", Desks: recorded[:1], Client: ingest.Client(), Speed: 50,
		Token: func(context.Context) (string, error) { return "a token that may publish", nil },
	}
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	fmt.Println(<-first)
	cancel()
	fmt.Println(<-done)
	// Output:
	// /v1/tenants/acme/events prices:equities AAPL 17.25
	// <nil>
}
