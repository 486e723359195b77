package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// newestOfKeys: Newest tells of each key what was saved last of it, removals too, and of one that a clear has removed, the clear.
func newestOfKeys(s *states) {
	s.save(0, s.set("swept", "2", 10), s.set("kept", "3", 30), s.set("gone", "4", 30), s.set("again", "5", 20))
	s.save(0, s.clear("6", 20), s.set("again", "7", 20))
	s.save(0, s.del("gone", "8", 31))
	c := s.channel("acme", "fleet:eu")
	keys := []string{"kept", "gone", "swept", "again", "never", "kept"}
	want := []string{"3", "delete 8", "clear 6", "7", "clear 6", "3"}
	refs := []realtime.StateRef{{Channel: s.channel("acme", "fleet:us"), Key: "kept"}}
	for _, key := range keys {
		refs = append(refs, realtime.StateRef{Channel: c, Key: key})
	}
	want = append([]string{""}, want...)
	for _, store := range []States{s.store, s.other} {
		found, err := store.Newest(s.Context(), refs)
		if err != nil {
			s.Fatal(err)
		}
		var got []string
		for i := range found {
			text := found[i].ID
			if op := found[i].Op; op != realtime.OpSet {
				text = string(op) + " " + text
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			s.Errorf("(-want +got):\n%s", diff)
		}
		if len(found) == len(refs) && (!found[1].Time.Equal(s.now.Add(30*time.Millisecond)) || found[1].Channel != c || string(found[1].Data) != `"3"`) {
			s.Errorf("a value is %+v", found[1])
		}
	}
	if none, err := s.store.Newest(s.Context(), nil); err != nil || len(none) != 0 {
		s.Errorf("of no key: %v, %v", none, err)
	}
}
