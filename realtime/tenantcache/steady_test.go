package tenantcache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// oneTenant is a store of one tenant, which shows whatever it is told to.
type oneTenant struct {
	doc *realtime.Tenant
	err error
}

func (o *oneTenant) Tenant(context.Context, string) (*realtime.Tenant, error) { return o.doc, o.err }

// sight is what a store showed at a moment: nothing, a document, or that it was deleted.
type sight struct {
	at      time.Time
	kind    string // "missing", "there" or "deleted"
	version int64
}

// expected is what is to be answered after all that an instance has seen of a tenant: the newest state, while the store
// has not been without it, or behind it, for AbsentFor of the time that anybody looked.
func expected(all []sight) string {
	var newest sight // its version is 0 while nothing was seen
	var missing, behind []time.Time
	for _, s := range all {
		switch s.kind {
		case "missing":
			missing = append(missing, s.at)
			continue
		case "there":
			missing = nil
		}
		if s.version < newest.version {
			if behind = append(behind, s.at); lasting(behind) < tenantcache.AbsentFor {
				continue
			}
			missing = nil
		}
		newest, behind = s, nil
	}
	last := all[len(all)-1]
	switch {
	case last.kind == "missing" && newest.version == 0 && lasting(missing) < tenantcache.UnseenFor,
		last.kind == "missing" && newest.kind == "there" && lasting(missing) < tenantcache.AbsentFor:
		return "unavailable"
	case last.kind == "missing", newest.kind == "deleted":
		return "not-found"
	}
	return fmt.Sprint(newest.version)
}

// lasting is how long looks that found the same vouch for it: each for half a minute, and none over a pause of AbsentFor.
func lasting(looks []time.Time) (total time.Duration) {
	for i := len(looks) - 1; i > 0; i-- {
		gap := looks[i].Sub(looks[i-1])
		if gap > tenantcache.AbsentFor {
			break
		}
		total += min(gap, 30*time.Second)
	}
	return total
}

// TestSteadyTenants writes and deletes a tenant at random, while two instances, one of which comes later, read replicas that
// are behind, empty of it for a while, restored from the past, and not asked for hours.
func TestSteadyTenants(t *testing.T) {
	t.Parallel()
	answers := map[string]int{}
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) { steadyModel(t, rand.New(rand.NewPCG(seed, 5)), answers) })
	}
	for _, kind := range []string{"unavailable", "not-found", "unavailable of a name that was never seen", "not-found of a name that was never seen"} {
		if answers[kind] < 50 {
			t.Errorf("%d were %s: that shows little", answers[kind], kind)
		}
	}
}

func steadyModel(t *testing.T, r *rand.Rand, answers map[string]int) {
	type instance struct {
		store  oneTenant
		steady *tenantcache.Steady
		shown  int // of the states
		seen   []sight
		known  bool
	}
	states := []sight{{kind: "missing"}} // of the store, one after the other
	var instances []*instance
	come := func() {
		one := &instance{}
		one.steady = tenantcache.NewSteady(&one.store)
		instances = append(instances, one)
	}
	come()
	ask := func(one *instance) {
		state := states[one.shown]
		one.store.doc, one.store.err = nil, realtime.Errorf(realtime.CodeNotFound, "there is none")
		switch state.kind {
		case "there":
			one.store.doc, one.store.err = &realtime.Tenant{ID: "acme", Version: state.version}, nil
		case "deleted":
			one.store.err = realtime.TenantDeleted(state.version)
		}
		state.at = time.Now()
		one.seen = append(one.seen, state)
		one.known = one.known || state.kind != "missing"
		doc, err := one.steady.Tenant(t.Context(), "acme")
		got := string(realtime.CodeOf(err))
		if err == nil {
			got = fmt.Sprint(doc.Version)
		}
		if want := expected(one.seen); got != want {
			t.Fatalf("after %+v: %s (%v), want %s", one.seen[max(0, len(one.seen)-20):], got, err, want)
		}
		if e := (*realtime.Error)(nil); errors.As(err, &e) && e.Code == realtime.CodeUnavailable && e.RetryAfter <= 0 {
			t.Fatalf("%v, and no time to come back", err)
		}
		if tenantcache.IsTenantUnseen(err) == one.known {
			t.Fatalf("%v, and it was seen: %t", err, one.known)
		}
		if !one.known {
			got += " of a name that was never seen"
		}
		answers[got]++
	}
	for range 50 {
		switch newest := states[len(states)-1].version; {
		case len(instances) == 1 && r.IntN(20) == 0:
			come()
		case r.IntN(3) == 0:
			states = append(states, sight{kind: "there", version: newest + 1})
		case r.IntN(15) == 0:
			states = append(states, sight{kind: "deleted", version: newest + 1})
		}
		one := instances[r.IntN(len(instances))]
		switch r.IntN(6) {
		case 0: // restored, or another replica
			one.shown = r.IntN(len(states))
		case 1, 2:
			one.shown = 0
		case 3:
			one.shown = len(states) - 1
		}
		pause := time.Duration(1+r.IntN(60)) * time.Second
		for range r.IntN(30) {
			ask(one)
			time.Sleep(time.Duration(r.Int64N(int64(pause))))
		}
		if r.IntN(10) == 0 {
			time.Sleep(time.Duration(r.IntN(24)) * time.Hour) // as of an instance without CPU
		}
	}
}

// What is remembered has a bound, and the tenants in use are kept however many names are made up.
func TestSteadyTenantsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &oneTenant{}
		steady := tenantcache.NewSteady(store)
		ask := func(id string, there bool) (string, error) {
			store.doc, store.err = nil, realtime.Errorf(realtime.CodeNotFound, "there is none")
			if there {
				store.doc, store.err = &realtime.Tenant{ID: id}, nil
			}
			_, err := steady.Tenant(t.Context(), id)
			return string(realtime.CodeOf(err)), err
		}
		for n := range 20_000 {
			for _, id := range []string{"used", fmt.Sprint("t", n)} {
				if _, err := ask(id, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen := func(id string) bool {
			_, err := ask(id, false)
			return !tenantcache.IsTenantUnseen(err)
		}
		if !seen("used") || !seen("t19999") || seen("t0") {
			t.Error("it remembers others than the tenants that were asked for last")
		}
		for second := range 150 { // and one page has its tenant's name wrong
			want := "unavailable"
			if second >= 120 {
				want = "not-found"
			}
			if got, _ := ask("mistyped", false); second%5 == 0 && got != want {
				t.Fatalf("after %d s: %s", second, got)
			}
			for n := range 300 {
				if got, _ := ask(fmt.Sprint("made-up-", second, "-", n), false); got != "unavailable" {
					t.Fatalf("the first time: %s", got)
				}
			}
			time.Sleep(time.Second)
		}
		if !seen("used") || !seen("t19999") {
			t.Error("tenants were displaced by names that were made up")
		}
	})
}

// listed is a store of no or one tenant that can be listed, and counts how often it is.
type listed struct {
	oneTenant
	ids   []string
	lists int
}

func (l *listed) List(context.Context, string, int) ([]string, string, error) {
	l.lists++
	return l.ids, "", nil
}

// While a store is empty nobody is told that there is no such tenant: it may have lost what it held.
func TestSteadyTenantsOfAnEmptyStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &listed{oneTenant: oneTenant{err: realtime.Errorf(realtime.CodeNotFound, "there is none")}}
		steady := tenantcache.NewSteady(store)
		want := func(id string, code realtime.Code, lists int) {
			t.Helper()
			if _, err := steady.Tenant(t.Context(), id); realtime.CodeOf(err) != code || store.lists != lists {
				t.Errorf("%s: %v after %d lists, want %s after %d", id, err, store.lists, code, lists)
			}
		}
		want("acme", realtime.CodeUnavailable, 1)
		want("globex", realtime.CodeUnavailable, 1)
		want("no tenant's name", realtime.CodeNotFound, 1)
		store.ids = []string{"acme"}
		time.Sleep(5 * time.Second)
		time.Sleep(time.Hour)
		want("globex", realtime.CodeUnavailable, 2) // which is not counted as missing all the time
		for range 30 {
			time.Sleep(6 * time.Second)
			_, _ = steady.Tenant(t.Context(), "globex")
		}
		want("globex", realtime.CodeNotFound, 32)
		want("initech", realtime.CodeUnavailable, 32)
	})
}

// A store that cannot be behind is believed at once, unless it has lost what it showed before.
func TestSteadyTenantsOfAStoreThatHoldsAll(t *testing.T) {
	t.Parallel()
	store := &oneTenant{err: tenantcache.TenantUnknown()}
	steady := tenantcache.NewSteady(store)
	if _, err := steady.Tenant(t.Context(), "acme"); realtime.CodeOf(err) != realtime.CodeNotFound || tenantcache.IsTenantUnseen(err) {
		t.Errorf("never seen: %v", err)
	}
	store.doc, store.err = &realtime.Tenant{ID: "acme"}, nil
	if _, err := steady.Tenant(t.Context(), "acme"); err != nil {
		t.Error(err)
	}
	store.doc, store.err = nil, tenantcache.TenantUnknown()
	if _, err := steady.Tenant(t.Context(), "acme"); realtime.CodeOf(err) != realtime.CodeUnavailable {
		t.Errorf("seen before: %v", err)
	}
}
