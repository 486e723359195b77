package storetest

import (
	"fmt"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// stored reads the document of acme as it is in a store.
func (f *files) stored(s realtime.TenantStore) *realtime.Tenant {
	f.Helper()
	doc, err := s.Stored(f.Context(), "acme")
	if err != nil {
		f.Fatalf("stored: %v", err)
	}
	return doc
}

// compareAndSet: nobody writes over what it has not read, whichever process wrote that.
func (f *files) compareAndSet() {
	refused := func(what string, s realtime.TenantStore, doc *realtime.Tenant) {
		f.Helper()
		if written, err := s.Put(f.Context(), doc); written != nil || realtime.CodeOf(err) != realtime.CodeConflict {
			f.Errorf("%s: %+v, %v, want %s", what, written, err, realtime.CodeConflict)
		}
	}
	refused("of a document that is not there", f.store, &realtime.Tenant{ID: "acme", Version: 1})
	first, err := f.store.Put(f.Context(), whole())
	if err != nil || first.Version == 0 {
		f.Fatalf("the first: %+v, %v", first, err)
	}
	if diff := cmp.Diff(whole(), words(first)); diff != "" {
		f.Errorf("(-put +written):\n%s", diff)
	}
	refused("a second first one", f.other, whole())
	seen := f.stored(f.other)
	if seen.Version != first.Version {
		f.Errorf("it has version %d, and was written as %d", seen.Version, first.Version)
	}
	change := func(from *realtime.Tenant, connections int) *realtime.Tenant {
		next := *from
		next.Limits.Connections = connections
		return &next
	}
	second, err := f.other.Put(f.Context(), change(seen, 2))
	if err != nil || second.Version <= first.Version {
		f.Fatalf("the second: %+v, %v, behind %d", second, err, first.Version)
	}
	refused("over what somebody else wrote", f.store, change(first, 3))
	refused("by what was read before", f.other, change(seen, 4))
	refused("of a version to come", f.store, change(&realtime.Tenant{ID: "acme", Version: second.Version + 1}, 5))
	third, err := f.store.Put(f.Context(), change(f.stored(f.store), 6))
	if err != nil || third.Version <= second.Version {
		f.Fatalf("the third: %+v, %v, behind %d", third, err, second.Version)
	}
	same, err := f.store.Put(f.Context(), third)
	if err != nil || same.Version <= third.Version {
		f.Errorf("the same words again: %+v, %v, behind %d", same, err, third.Version)
	}
	if got := f.stored(f.other); got.Limits.Connections != 6 || got.Version != same.Version {
		f.Errorf("there is %+v", got)
	}
	if got := f.read(f.store, "acme"); got.Limits.Connections != 6 {
		f.Errorf("who wrote it reads %+v", got)
	}
}

// writersTogether: of those who change a part of the document at a time none is lost, though each has to come again.
func (f *files) writersTogether() {
	const writers, each = 4, 2
	f.write(&realtime.Tenant{ID: "acme"})
	var all sync.WaitGroup
	for w := range writers {
		store := []realtime.TenantStore{f.store, f.other}[w%2]
		all.Go(func() {
			for n := 0; n < each; {
				doc, err := store.Stored(f.Context(), "acme")
				if err != nil {
					f.Error(err)
					return
				}
				next := *doc
				next.Origins = append(append([]string(nil), doc.Origins...), fmt.Sprintf("https://%d.%d", w, n))
				switch _, err := store.Put(f.Context(), &next); {
				case err == nil:
					n++
				case realtime.CodeOf(err) != realtime.CodeConflict:
					f.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	count := map[string]int{}
	for _, o := range f.stored(f.store).Origins {
		count[o]++
	}
	for w := range writers {
		for n := range each {
			if o := fmt.Sprintf("https://%d.%d", w, n); count[o] != 1 {
				f.Errorf("%s is there %d times", o, count[o])
			}
		}
	}
}

// storedIsFresh: what another process has just written is read, whatever this one remembers.
func (f *files) storedIsFresh() {
	if _, err := f.other.Stored(f.Context(), "acme"); realtime.CodeOf(err) != realtime.CodeNotFound {
		f.Errorf("before it is there: %v", err)
	}
	if _, err := f.other.Tenant(f.Context(), "acme"); realtime.CodeOf(err) != realtime.CodeNotFound {
		f.Errorf("before it is there: %v", err)
	}
	for n := range 3 {
		doc := whole()
		doc.Limits.Connections = 1 + n
		f.write(doc)
		if got := f.stored(f.other); got.Limits.Connections != 1+n {
			f.Errorf("after %d it reads %d", 1+n, got.Limits.Connections)
		}
		_, _ = f.other.Tenant(f.Context(), "acme") // it is remembered
	}
}

// deleted: a tenant that was marked so is none, to everybody but who writes it, and can be made anew.
func (f *files) deleted() {
	f.write(whole())
	f.read(f.other, "acme")
	gone := f.write(&realtime.Tenant{ID: "acme", Deleted: true})
	if doc, err := f.store.Tenant(f.Context(), "acme"); !realtime.IsTenantDeleted(err) || realtime.CodeOf(err) != realtime.CodeNotFound {
		f.Errorf("who deleted it reads %+v, %v", doc, err)
	}
	f.eventually("acme", func(_ *realtime.Tenant, err error) bool { return realtime.IsTenantDeleted(err) })
	if got := f.stored(f.other); !got.Deleted || got.Version != gone.Version {
		f.Errorf("stored is %+v", got)
	}
	if _, err := f.store.Put(f.Context(), &realtime.Tenant{ID: "acme"}); realtime.CodeOf(err) != realtime.CodeConflict {
		f.Errorf("made as if there had been none: %v", err)
	}
	f.write(whole())
	f.eventually("acme", func(doc *realtime.Tenant, err error) bool { return err == nil && doc.Version > gone.Version })
}
