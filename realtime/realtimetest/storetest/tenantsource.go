package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// TenantSource is a source of tenants' documents and the store that they are written to.
type TenantSource struct {
	Source realtime.TenantSource
	Store  realtime.TenantStore
	// Spoil makes the document of a tenant, which is there, one that nobody can read, as somebody may by hand. nil leaves the case out.
	Spoil func(t *testing.T, id string)
}

// TestTenantSource runs the contract of realtime.TenantSource against a driver. Each
// case has a store of its own and runs in parallel with the others.
func TestTenantSource(t *testing.T, h Harness) {
	cases := []struct {
		name string
		run  func(*source)
	}{
		{"Read", (*source).read},
		{"ReadUnknown", (*source).readUnknown},
		{"ReadDeleted", (*source).readDeleted},
		{"Changed", (*source).changed},
		{"ManyChanged", (*source).manyChanged},
		{"Fault", (*source).fault},
		{"Cancelled", (*source).cancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&source{T: t, TenantSource: h.TenantSource(t)})
		})
	}
}

// source is where one case of TestTenantSource runs.
type source struct {
	*testing.T
	TenantSource
}

// overlap is by how much the clocks of a process and of a store may differ.
const overlap = 10 * time.Second

// put writes a document over whatever is there, and returns what was written.
func (s *source) put(doc *realtime.Tenant) *realtime.Tenant {
	s.Helper()
	next := *doc
	if stored, err := s.Store.Stored(s.Context(), doc.ID); err == nil {
		next.Version = stored.Version
	}
	written, err := s.Store.Put(s.Context(), &next)
	if err != nil {
		s.Fatalf("put %s: %v", doc.ID, err)
	}
	return written
}

// is fails unless a state is that of a document that was written.
func (s *source) is(what string, got realtime.TenantState, written *realtime.Tenant) {
	s.Helper()
	want := realtime.TenantState{ID: written.ID, Exists: true, Version: written.Version, Doc: written}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s (-written +got):\n%s", what, diff)
	}
}

func (s *source) state(id string) realtime.TenantState {
	s.Helper()
	state, err := s.Source.Read(s.Context(), id)
	if err != nil {
		s.Fatalf("read %s: %v", id, err)
	}
	return state
}

// read: a document is read as it is now, whoever wrote it last; a later state has a larger version.
func (s *source) read() {
	first := s.put(whole())
	s.is("the first", s.state("acme"), first)
	next := whole()
	next.Limits.Connections = 7
	second := s.put(next)
	s.is("the second", s.state("acme"), second)
	if second.Version <= first.Version {
		s.Errorf("version %d comes after %d", second.Version, first.Version)
	}
}

// readUnknown: that there is no document is no error.
func (s *source) readUnknown() {
	s.put(&realtime.Tenant{ID: "acme"})
	if diff := cmp.Diff(realtime.TenantState{ID: "globex"}, s.state("globex")); diff != "" {
		s.Errorf("(-want +got):\n%s", diff)
	}
}

// readDeleted: one that is marked as deleted is there.
func (s *source) readDeleted() {
	s.put(whole())
	gone := s.put(&realtime.Tenant{ID: "acme", Deleted: true})
	s.is("deleted", s.state("acme"), gone)
}

// all returns what was written since a moment, each as it was told last.
func (s *source) all(since time.Time) map[string]realtime.TenantState {
	s.Helper()
	changed, err := s.Source.Changed(s.Context(), since)
	if err != nil {
		s.Fatalf("changed since %v: %v", since, err)
	}
	states := map[string]realtime.TenantState{}
	for _, state := range changed {
		states[state.ID] = state
	}
	return states
}

// changed: what was written since a moment is told of as it is now, one that was marked as deleted too.
func (s *source) changed() {
	begun := time.Now().Add(-overlap)
	s.put(whole())
	written := s.put(&realtime.Tenant{ID: "acme", Origins: []string{"https://one.example"}})
	other := s.put(&realtime.Tenant{ID: "globex"})
	s.put(&realtime.Tenant{ID: "initech"})
	gone := s.put(&realtime.Tenant{ID: "initech", Deleted: true})
	states := s.all(begun)
	if len(states) != 3 {
		s.Errorf("%d documents were told of, want 3", len(states))
	}
	s.is("written twice", states["acme"], written)
	s.is("written once", states["globex"], other)
	s.is("deleted", states["initech"], gone)
	if later := s.all(time.Now().Add(overlap)); len(later) != 0 {
		s.Errorf("written in the future: %+v", later)
	}
}

// manyChanged: however many there are, all are told of.
func (s *source) manyChanged() {
	const n, writers = 520, 8 // more than a page of any driver
	begun := time.Now().Add(-overlap)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < n; i += writers {
				if _, err := s.Store.Put(s.Context(), &realtime.Tenant{ID: fmt.Sprintf("t-%03d", i)}); err != nil {
					s.Error(err)
				}
			}
		})
	}
	all.Wait()
	if states := s.all(begun); len(states) != n {
		s.Errorf("%d documents were told of, want %d", len(states), n)
	}
}

// fault: a document that nobody can read is there, and its state says what is wrong with it.
func (s *source) fault() {
	if s.Spoil == nil {
		return
	}
	good := s.put(&realtime.Tenant{ID: "acme"})
	begun := time.Now().Add(-overlap)
	s.Spoil(s.T, "acme")
	for what, state := range map[string]realtime.TenantState{"read": s.state("acme"), "changed": s.all(begun)["acme"]} {
		if !state.Exists || state.Doc != nil || state.Fault == nil || state.Version <= good.Version {
			s.Errorf("%s: %+v", what, state)
		}
	}
	s.Source.Malformed(s.Context(), "acme", errors.New("on purpose"))
}

func (s *source) cancelled() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.Source.Read(ctx, "acme"); err == nil {
		s.Error("Read with a cancelled context returned no error")
	}
	if _, err := s.Source.Changed(ctx, time.Now()); err == nil {
		s.Error("Changed with a cancelled context returned no error")
	}
}
