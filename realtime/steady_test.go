package realtime_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// oneTenant is a store of one tenant, which shows whatever it is told to.
type oneTenant struct {
	doc *realtime.Tenant
	err error
}

func (o *oneTenant) Tenant(context.Context, string) (*realtime.Tenant, error) { return o.doc, o.err }

// TestSteadyTenants shows states at random, and compares the answers with what is to be: the newest state that was
// seen, while the store has not been without it, or behind it, for AbsentFor.
func TestSteadyTenants(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { steadyModel(t, rand.New(rand.NewPCG(seed, 5))) })
	}
}

func steadyModel(t *testing.T, r *rand.Rand) {
	store := &oneTenant{}
	steady := realtime.NewSteadyTenants(store)
	var (
		version, seen   int64 // the newest written, and the newest seen
		deleted         bool  // what was seen is a deletion
		missing, behind time.Time
	)
	ask := func(shown int64, kind string) {
		t.Helper()
		doc, err := steady.Tenant(t.Context(), "acme")
		got := string(realtime.CodeOf(err))
		if err == nil {
			got = fmt.Sprint(doc.Version)
		}
		now, want := time.Now(), "not-found"
		switch {
		case kind == "missing" && seen != 0 && !deleted:
			if missing.IsZero() {
				missing = now
			}
			if now.Sub(missing) < realtime.AbsentFor {
				want = "unavailable"
			}
		case kind == "missing":
		default:
			if kind == "there" {
				missing = time.Time{}
			}
			if shown >= seen {
				seen, deleted, behind = shown, kind == "deleted", time.Time{}
			} else if behind.IsZero() {
				behind = now
			} else if now.Sub(behind) >= realtime.AbsentFor {
				seen, deleted, behind = shown, kind == "deleted", time.Time{}
			}
			if !deleted {
				want = fmt.Sprint(seen)
			}
		}
		if got != want {
			t.Fatalf("shown %d %s: %s, want %s", shown, kind, got, want)
		}
	}
	for range 300 {
		shown := version
		switch r.IntN(6) {
		case 0:
			version++
			shown = version
			fallthrough
		case 1:
			if shown = max(shown, 1); shown > version {
				version = shown
			}
			store.doc, store.err = &realtime.Tenant{ID: "acme", Version: shown}, nil
			ask(shown, "there")
		case 2:
			shown = 1 + r.Int64N(max(version, 1))
			version = max(version, shown)
			store.doc, store.err = &realtime.Tenant{ID: "acme", Version: shown}, nil
			for range r.IntN(4) {
				ask(shown, "there")
				time.Sleep(time.Duration(r.IntN(300)) * time.Second)
			}
		case 3, 4:
			store.doc, store.err = nil, realtime.Errorf(realtime.CodeNotFound, "there is none")
			for range r.IntN(4) {
				ask(0, "missing")
				time.Sleep(time.Duration(r.IntN(300)) * time.Second)
			}
		case 5:
			version++
			store.doc, store.err = nil, realtime.TenantDeleted(version)
			ask(version, "deleted")
		}
		time.Sleep(time.Duration(r.IntN(30)) * time.Second)
	}
}

// What is remembered has a bound, and the tenants in use are kept.
func TestSteadyTenantsAreBounded(t *testing.T) {
	t.Parallel()
	store := &oneTenant{}
	steady := realtime.NewSteadyTenants(store)
	for n := range 40_000 {
		for _, id := range []string{"used", fmt.Sprint("t", n)} {
			store.doc, store.err = &realtime.Tenant{ID: id}, nil
			if _, err := steady.Tenant(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	store.doc, store.err = nil, realtime.Errorf(realtime.CodeNotFound, "there is none")
	for id, want := range map[string]realtime.Code{"used": realtime.CodeUnavailable, "t39999": realtime.CodeUnavailable, "t0": realtime.CodeNotFound, "stranger": realtime.CodeNotFound} {
		if _, err := steady.Tenant(t.Context(), id); realtime.CodeOf(err) != want {
			t.Errorf("%s: %v, want %s", id, err, want)
		}
	}
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
		steady := realtime.NewSteadyTenants(store)
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
		want("globex", realtime.CodeNotFound, 2)
		want("initech", realtime.CodeNotFound, 2)
	})
}
