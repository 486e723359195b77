package view

import (
	"bytes"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Same reports whether those who see some columns are shown the same of two values of a key: then the second is not news to them. It is if there is anything in
// it but when it was published, such as the end of its time.
func (c *Columns) Same(a, b *realtime.Publication) bool {
	if c == nil || a.TTL != 0 || b.TTL != 0 || a.Transient != b.Transient || a.EventType != b.EventType || a.Source != b.Source ||
		a.ContentType != b.ContentType || !maps.Equal(a.Tags, b.Tags) {
		return false
	}
	return bytes.Equal(a.Data, b.Data) || bytes.Equal(c.Project(a.Data), c.Project(b.Data))
}

// Unchanged has the keys that have come with the same value for those who share a View: since which change they have been what they are. Changes are
// numbered by whoever has it. The zero value has none. It holds as many keys as have come so while somebody was behind.
type Unchanged struct{ keys map[string]same }

// same is what is known of a key.
type same struct {
	since uint64   // the change that made it what it is
	again []uint64 // later ones, the first behind each time that somebody joined, up to a number: who joined before it has been told by it
}

// mostAgain is how many of them are kept. Whom an older one would be for is told once more than there is need.
const mostAgain = 8

// Note is told that a change, with a number, has left what is shown of a key as it was before by another. joined is the newest change that some readers
// may not have been told of. It reports whether this one is news to any of them.
func (u *Unchanged) Note(key string, number, before, joined uint64) (news bool) {
	s, known := u.keys[key]
	if !known {
		s.since = before
	}
	newest := s.since
	if n := len(s.again); n > 0 {
		newest = s.again[n-1]
	}
	if news = newest <= joined; news {
		s.again = append(s.again[max(0, len(s.again)-mostAgain+1):], number)
	}
	if u.keys == nil {
		u.keys = map[string]same{}
	}
	u.keys[key] = s
	return news
}

// Changed is told that a key is not what it was.
func (u *Unchanged) Changed(key string) { delete(u.keys, key) }

// Empty reports whether it has no key.
func (u *Unchanged) Empty() bool { return len(u.keys) == 0 }

// Had reports whether a reader has been told what a key is, who has had all changes up to one, but perhaps not those up to joined.
func (u *Unchanged) Had(key string, had, joined uint64) bool {
	s, known := u.keys[key]
	return known && s.since <= had &&
		(s.since > joined || slices.ContainsFunc(s.again, func(n uint64) bool { return n > joined && n <= had }))
}
