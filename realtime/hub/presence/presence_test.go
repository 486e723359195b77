package presence

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

func channel(t *testing.T, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Users come and go, with several connections each, while watchers begin and end to watch: what each was told adds up to who is
// there, and nobody is told what he knows.
func TestNewsAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 29))
			var b Board[int]
			c := channel(t, "board")
			there := map[string]int{} // connections
			views := map[int]map[string]bool{}
			turn := uint64(0) // of the gathering under way
			tell := func() {
				turn = 0
				n, ok := b.News(c)
				if !ok {
					return
				}
				told := 0
				for w := range n.Watchers {
					told++
					for _, m := range n.Came {
						if views[w][m.User] {
							t.Fatalf("%d is told that %s came, who was there", w, m.User)
						}
						views[w][m.User] = true
					}
					for _, m := range n.Gone {
						if !views[w][m.User] {
							t.Fatalf("%d is told that %s went, who was not there", w, m.User)
						}
						delete(views[w], m.User)
					}
					if n.Count != len(views[w]) {
						t.Fatalf("%d are there, %d knows %d", n.Count, w, len(views[w]))
					}
				}
				if told != len(views) {
					t.Fatalf("%d watchers are told, want %d", told, len(views))
				}
			}
			begins := func(n uint64, ok bool) {
				if ok && turn != 0 {
					t.Fatal("two gatherings at once")
				}
				if ok {
					turn = n
				}
			}
			for range 600 {
				p := &realtime.Principal{User: fmt.Sprint("user", r.IntN(5))}
				switch n := r.IntN(10); {
				case n < 4:
					there[p.User]++
					begins(b.Come(c, p))
				case n < 7 && there[p.User] > 0:
					if there[p.User]--; there[p.User] == 0 {
						delete(there, p.User)
					}
					begins(b.Leave(c, p.User))
				case n < 8 && turn != 0:
					if !b.Gathers(c, turn) {
						t.Fatal("the gathering is forgotten")
					}
					tell()
				case n < 9:
					if !b.Watches(c) {
						b.Open(c, func(yield func(*realtime.Principal) bool) {
							for user, n := range there {
								for range n {
									yield(&realtime.Principal{User: user})
								}
							}
						})
					}
					tell() // those who watch already
					w := r.IntN(3)
					b.Watch(c, w)
					views[w] = map[string]bool{}
					members, n := b.Members(c)
					for _, m := range members {
						views[w][m.User] = true
					}
					if want := slices.Collect(maps.Keys(there)); n != len(want) || len(views[w]) != n {
						t.Fatalf("%d members, want %v", n, want)
					}
				case len(views) > 0:
					for w := range views {
						delete(views, w)
						b.Unwatch(c, w)
						if forget := b.Rest(c); forget != nil {
							forget()
							turn = 0
						}
						break
					}
				}
				if len(views) == 0 && b.Watches(c) {
					t.Fatal("it is remembered, and nobody watches")
				}
			}
		})
	}
}

// Who asks once and never again leaves little behind.
func TestFewLinger(t *testing.T) {
	t.Parallel()
	var b Board[int]
	var later []func()
	for i := range 3 * MaxLingering {
		c := channel(t, fmt.Sprintf("c:%d", i))
		b.Open(c, func(func(*realtime.Principal) bool) {})
		if forget := b.Rest(c); forget != nil {
			later = append(later, forget)
		}
		if forget := b.Watches(c) && b.Rest(c) != nil; forget {
			t.Fatal("it is to be forgotten twice")
		}
	}
	if b.Len() != MaxLingering || len(later) != MaxLingering {
		t.Errorf("%d are remembered, %d to be forgotten, want %d", b.Len(), len(later), MaxLingering)
	}
	watched := channel(t, "c:0")
	b.Watch(watched, 1)
	for _, forget := range later {
		forget()
	}
	if b.Len() != 1 || !b.Watches(watched) {
		t.Errorf("%d are remembered, want the one that is watched", b.Len())
	}
}

// An answer names a bounded number, and counts all.
func TestMembersAreBounded(t *testing.T) {
	t.Parallel()
	var b Board[int]
	c := channel(t, "c")
	b.Open(c, func(yield func(*realtime.Principal) bool) {
		for i := range 3 * MaxMembers {
			yield(&realtime.Principal{User: fmt.Sprint(i)})
		}
	})
	if members, n := b.Members(c); len(members) != MaxMembers || n != 3*MaxMembers {
		t.Errorf("%d of %d are named", len(members), n)
	}
}
