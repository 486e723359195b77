package distinct

import "testing"

// Names are counted once, if the places say which they are.
func TestUnion(t *testing.T) {
	t.Parallel()
	who := func(names ...string) *Sketch {
		s := New(32)
		for _, n := range names {
			s.Add(n)
		}
		return s
	}
	for _, tt := range []struct {
		name string
		add  func(*Union)
		want int
	}{
		{"nobody", func(*Union) {}, 0},
		{"nobody at two", func(u *Union) { u.Add(0, who()); u.Add(0, nil) }, 0},
		{"one at two", func(u *Union) { u.Add(1, who("ann")); u.Add(1, who("ann")) }, 1},
		{"two, one at both", func(u *Union) { u.Add(2, who("ann", "bob")); u.Add(1, who("bob")) }, 2},
		{"an older instance that does not say", func(u *Union) { u.Add(2, nil); u.Add(1, who("bob")) }, 3},
		{"one that says too few", func(u *Union) { u.Add(5, who("ann")); u.Add(1, who("bob")) }, 5},
		{"one that says too many", func(u *Union) { u.Add(1, who("ann", "bob", "carl")); u.Add(1, who("bob")) }, 2},
	} {
		u := Union{Most: 32}
		if tt.add(&u); u.Count() != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, u.Count(), tt.want)
		}
	}
}
