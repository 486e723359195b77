package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// Whoever comes and goes: nobody waits above the bounds, who loses a place is the oldest of its address, and of an address
// that has the most.
func TestPendingClients(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	p := newPendingClients()
	model := map[string][]*session{}
	count := func() (n int) {
		for _, all := range model {
			n += len(all)
		}
		return n
	}
	for range 5000 {
		// A few addresses that hold many, and many that hold one.
		address := fmt.Sprintf("10.0.0.%d", rng.IntN(6))
		if rng.IntN(10) == 0 {
			address = fmt.Sprintf("10.1.%d.%d", rng.IntN(256), rng.IntN(256))
		}
		if all := model[address]; len(all) > 0 && rng.IntN(3) == 0 {
			s := all[rng.IntN(len(all))]
			if !p.remove(s, address) || p.remove(s, address) {
				t.Fatal("a client that waits is not known, or still after it has gone")
			}
			if model[address] = slices.DeleteFunc(all, func(o *session) bool { return o == s }); len(model[address]) == 0 {
				delete(model, address)
			}
			continue
		}
		most, full := 0, count() >= maxWaiting
		for _, all := range model {
			most = max(most, len(all))
		}
		s := &session{}
		evicted := p.add(s, address)
		if want := full || len(model[address]) >= maxWaitingAddress; want != (evicted != nil) {
			t.Fatalf("one more of %d, %d at its address: evicted %t", count(), len(model[address]), evicted != nil)
		}
		for a, all := range model {
			if i := slices.Index(all, evicted); evicted != nil && i >= 0 {
				if i > 0 || a != address && len(all) < most {
					t.Fatalf("the number %d of %d lost its place, where others have %d", i, len(all), most)
				}
				model[a] = all[1:]
			}
		}
		model[address] = append(model[address], s)
		if p.count != count() || p.count > maxWaiting || len(p.waiting[address]) > maxWaitingAddress {
			t.Fatalf("%d wait, %d of one address; want %d", p.count, len(p.waiting[address]), count())
		}
	}
	for a, all := range model {
		for _, s := range all {
			p.remove(s, a)
		}
	}
	if len(p.waiting) > 0 || p.count != 0 {
		t.Errorf("%d are left of nobody", len(p.waiting))
	}
	for range maxRefused {
		if !p.refuse() {
			t.Fatal("too few are told why they are turned away")
		}
	}
	if p.refuse() {
		t.Error("too many are told why they are turned away")
	}
	p.refusalOver()
	if !p.refuse() {
		t.Error("a place that has become free is not given again")
	}
}

// Who comes while very many tokens wait for their keys is told to come back, and costs nothing.
func TestTokensBeingJudgedAreBounded(t *testing.T) {
	t.Parallel()
	tenants, err := memory.NewTenants()
	if err != nil {
		t.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	g, err := New(Options{Broker: broker, Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(g.Close(context.Background()), broker.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	ask := func() int {
		r := httptest.NewRequest(http.MethodGet, "/v1/events?channel=a:1", nil)
		r.Header.Set("Authorization", "Bearer a.b.c")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w.Code
	}
	for range maxJudged {
		if !g.pending.judge() {
			t.Fatal("too few tokens are judged at once")
		}
	}
	if got := ask(); got != http.StatusServiceUnavailable {
		t.Errorf("one too many is answered with %d", got)
	}
	g.pending.judgedOne()
	if got := ask(); got != http.StatusUnauthorized {
		t.Errorf("when there is room it is answered with %d", got)
	}
	if got := ask(); got != http.StatusUnauthorized {
		t.Errorf("the place was not given back: %d", got)
	}
}
