package storetest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// flawEnv names the flaw that TestFlawed runs the suites with.
const flawEnv = "STORETEST_FLAW"

// flaw is a driver that breaks a contract in one way, and the case that must
// see it.
type flaw struct {
	name, caught string
	registry     func(realtime.Registry) realtime.Registry
	revocations  func(realtime.Revocations) realtime.Revocations
	tenants      func(realtime.TenantStore) realtime.TenantStore
	source       func(realtime.TenantSource) realtime.TenantSource
	lost         func(*memory.Lost) realtime.LostConnections
	states       func(States) States
}

func flaws() []flaw {
	return []flaw{
		{name: "lists all tenants", caught: "TenantsAreApart", registry: func(r realtime.Registry) realtime.Registry { return oneTenant{r} }},
		{name: "knows no leases", caught: "LeaseEnds", registry: func(r realtime.Registry) realtime.Registry { return longLeases{r} }},
		{name: "knows no expiry", caught: "Expiry", registry: func(r realtime.Registry) realtime.Registry { return longLives{r} }},
		{name: "has small pages only", caught: "Bulk", registry: func(r realtime.Registry) realtime.Registry { return onePage{r} }},
		{name: "does not release", caught: "Release", registry: func(r realtime.Registry) realtime.Registry { return noRelease{r} }},

		{name: "lets the last logout hold", caught: "LatestHolds", revocations: func(realtime.Revocations) realtime.Revocations { return &oneLogout{} }},
		{name: "lets the earliest logout hold", caught: "Together", revocations: func(realtime.Revocations) realtime.Revocations { return &oneLogout{first: true} }},
		{name: "takes a name for a path", caught: "OddUsers", revocations: func(r realtime.Revocations) realtime.Revocations { return pathLogout{r} }},
		{name: "logs out everywhere", caught: "TenantsAreApart", revocations: func(r realtime.Revocations) realtime.Revocations { return everyLogout{r} }},

		{name: "makes a value per ask", caught: "SameValueUntilItChanges", tenants: func(t realtime.TenantStore) realtime.TenantStore { return freshTenants{t} }},
		{name: "does not hear of changes", caught: "ChangeArrives", tenants: func(t realtime.TenantStore) realtime.TenantStore { return &deafTenants{TenantStore: t} }},
		{name: "remembers that there is none", caught: "NewArrives", tenants: func(t realtime.TenantStore) realtime.TenantStore { return &deafTenants{TenantStore: t} }},
		{name: "overwrites", caught: "CompareAndSet", tenants: func(t realtime.TenantStore) realtime.TenantStore { return overwriting{t} }},
		{name: "loses writers", caught: "WritersTogether", tenants: func(t realtime.TenantStore) realtime.TenantStore { return overwriting{t} }},
		{name: "writes what it remembers", caught: "StoredIsFresh", tenants: func(t realtime.TenantStore) realtime.TenantStore {
			return rememberedTenants{t, &deafTenants{TenantStore: t}}
		}},
		{name: "gives deleted tenants out", caught: "Deleted", tenants: func(t realtime.TenantStore) realtime.TenantStore { return deletedTenants{t} }},
		{name: "reads what it remembers", caught: "Read", source: func(s realtime.TenantSource) realtime.TenantSource { return &deafSource{TenantSource: s} }},
		{name: "does not tell of deletions", caught: "Changed", source: func(s realtime.TenantSource) realtime.TenantSource { return livingSource{s} }},
		{name: "does not read what was deleted", caught: "ReadDeleted", source: func(s realtime.TenantSource) realtime.TenantSource { return livingSource{s} }},
		{name: "tells of one page", caught: "ManyChanged", source: func(s realtime.TenantSource) realtime.TenantSource { return oneSourcePage{s} }},

		{name: "takes over a part", caught: "Many", lost: func(l *memory.Lost) realtime.LostConnections { return partlyLost{l} }},
		{name: "keeps the caller's documents", caught: "CallerKeepsItsValues", lost: func(l *memory.Lost) realtime.LostConnections { return &lateLost{lost: l} }},
		{name: "takes over in a cancelled context", caught: "Cancelled", lost: func(l *memory.Lost) realtime.LostConnections { return &lateLost{lost: l} }},

		{name: "lets what comes last count", caught: "Newest", states: func(s States) States { return renamingStates{s} }},
		{name: "loses what it saves with others", caught: "Model", states: func(s States) States { return forgetfulStates{s} }},
		{name: "has several keepers", caught: "StaleKeeper", states: func(s States) States { return sharedStates{s} }},
		{name: "keeps everything", caught: "NotKept", states: func(s States) States { return keepingStates{s} }},

		{name: "lists one page", caught: "List", tenants: func(t realtime.TenantStore) realtime.TenantStore { return oneTenantPage{t} }},
	}
}

// TestFlawed runs the suites against a flawed driver, in a process of
// TestSuitesSeeFlaws alone.
func TestFlawed(t *testing.T) {
	at := slices.IndexFunc(flaws(), func(f flaw) bool { return f.name == os.Getenv(flawEnv) })
	if at < 0 {
		return
	}
	f := flaws()[at]
	h := Harness{Patience: 300 * time.Millisecond}
	switch {
	case f.registry != nil:
		h.Registry = func(*testing.T) realtime.Registry { return f.registry(memory.NewRegistry()) }
		TestRegistry(t, h)
	case f.revocations != nil:
		h.Revocations = func(*testing.T) [2]realtime.Revocations {
			r := f.revocations(memory.NewRevocations())
			return [2]realtime.Revocations{r, r}
		}
		TestRevocations(t, h)
	case f.tenants != nil:
		h.Tenants = func(t *testing.T) [2]realtime.TenantStore {
			tenants, err := memory.NewTenants()
			if err != nil {
				t.Fatal(err)
			}
			return [2]realtime.TenantStore{tenants, f.tenants(tenants)}
		}
		TestTenants(t, h)
	case f.source != nil:
		h.TenantSource = func(t *testing.T) TenantSource {
			tenants, err := memory.NewTenants()
			if err != nil {
				t.Fatal(err)
			}
			return TenantSource{Source: f.source(tenants), Store: tenants}
		}
		TestTenantSource(t, h)
	case f.states != nil:
		h.States = func(*testing.T) [2]States {
			s := f.states(memory.NewStates())
			return [2]States{s, s}
		}
		TestStates(t, h)
	case f.lost != nil:
		h.Lost = func(*testing.T) Lost {
			kept := memory.NewLost()
			lost := f.lost(kept)
			return Lost{Connections: lost, Taken: func(*testing.T) []realtime.ConnectionDoc {
				if late, ok := lost.(*lateLost); ok {
					late.flush()
				}
				return kept.Take()
			}}
		}
		TestLostConnections(t, h)
	}
}

func TestSuitesSeeFlaws(t *testing.T) {
	t.Parallel()
	if os.Getenv(flawEnv) != "" {
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestFlawed$/^"+f.caught+"$", "-test.timeout=30s")
			cmd.Env = append(os.Environ(), flawEnv+"="+f.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawed/"+f.caught) {
				t.Errorf("the case %s did not see it: %v\n%s", f.caught, err, out)
			}
		})
	}
}
