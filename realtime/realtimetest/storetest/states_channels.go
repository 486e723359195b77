package storetest

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// channels: a pattern finds the channels of a tenant that have state, those of which nothing is left perhaps, and no others.
func (s *states) channels() {
	of := func(name string, c realtime.StateChange) realtime.StateChange {
		c.Channel = s.channel("acme", name)
		return c
	}
	foreign := s.set("a", "9", 0)
	foreign.Channel = s.channel("globex", "fleet:eu")
	s.save(0, s.set("a", "1", 0), of("fleet:us", s.set("a", "2", 0)), of("fleet:us:ny", s.set("a", "3", 0)), of("prices:a/b", s.set("a", "4", 0)),
		of("fleet:gone", s.del("a", "5", 0)), foreign)
	for pattern, want := range map[realtime.Pattern][]string{
		"fleet:*":     {"fleet:eu", "fleet:us"},
		"fleet:**":    {"fleet:eu", "fleet:us", "fleet:us:ny"},
		"*:eu":        {"fleet:eu"},
		"prices:*":    {"prices:a/b"},
		"elsewhere:*": nil,
	} {
		var names []string
		for _, store := range []States{s.store, s.other} {
			all, err := store.Channels(s.Context(), "acme", pattern, 10)
			if err != nil {
				s.Fatalf("%s: %v", pattern, err)
			}
			names = names[:0]
			for _, c := range all {
				if c.Name() != "fleet:gone" {
					names = append(names, c.Name())
				}
			}
			if slices.Sort(names); !slices.Equal(names, want) {
				s.Errorf("%s selects %q, want %q", pattern, names, want)
			}
		}
	}
	if all, err := s.store.Channels(s.Context(), "acme", "**", 2); err != nil || len(all) != 3 {
		s.Errorf("of more than 2 channels there are told %v, %v, want 3", all, err)
	}
}
