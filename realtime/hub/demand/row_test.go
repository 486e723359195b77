package demand

import (
	"slices"
	"strconv"
	"testing"

	"github.com/tidewire/tidewire/realtime/internal/distinct"
)

// Keys that are too many to be named are all wanted: better a value too many than one too few.
func TestManyKeysAreAll(t *testing.T) {
	t.Parallel()
	keys := make([]string, MostKeys)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	full := count(slices.Values([]Reader{{User: "ann", Keys: keys}}))
	if len(full.Keys) != MostKeys {
		t.Errorf("%d keys, want %d", len(full.Keys), MostKeys)
	}
	if over := count(slices.Values([]Reader{{User: "ann", Keys: keys}, {User: "bob", Keys: []string{"x"}}})); over.Keys != nil {
		t.Errorf("%d keys are named", len(over.Keys))
	}
	other := count(slices.Values([]Reader{{User: "carl", Keys: []string{"x"}}}))
	if total := Sum(slices.Values([]*Row{full, other})); total.Keys != nil {
		t.Errorf("%d keys of two instances are named", len(total.Keys))
	}
}

// Users are counted once, if the instances say who they are.
func TestUsers(t *testing.T) {
	t.Parallel()
	who := func(names ...string) *distinct.Sketch {
		s := distinct.New(NamedUsers)
		for _, n := range names {
			s.Add(n)
		}
		return s
	}
	for _, tt := range []struct {
		name string
		add  func(*Users)
		want int
	}{
		{"nobody", func(*Users) {}, 0},
		{"nobody at two", func(u *Users) { u.Add(0, who()); u.Add(0, nil) }, 0},
		{"one at two", func(u *Users) { u.Add(1, who("ann")); u.Add(1, who("ann")) }, 1},
		{"two, one at both", func(u *Users) { u.Add(2, who("ann", "bob")); u.Add(1, who("bob")) }, 2},
		{"an older instance that does not say", func(u *Users) { u.Add(2, nil); u.Add(1, who("bob")) }, 3},
		{"one that says too few", func(u *Users) { u.Add(5, who("ann")); u.Add(1, who("bob")) }, 5},
		{"one that says too many", func(u *Users) { u.Add(1, who("ann", "bob", "carl")); u.Add(1, who("bob")) }, 2},
	} {
		var u Users
		if tt.add(&u); u.Count() != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, u.Count(), tt.want)
		}
	}
}
