// Package rows is the state of a channel as a map: what a snapshot and the messages behind it make of it. Nothing in it is safe for concurrent use.
package rows

import (
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Facts are what a message says that makes the map.
type Facts struct {
	Key, Position string
	Time, Expires time.Time // Expires is zero for what does not
	Cleared, Gone bool      // all keys were removed, or this one
}

// Rows are the newest message of each key. A snapshot replaces them at once, when it is complete: until then they are what they were.
type Rows[M comparable] struct {
	facts    func(M) Facts
	all      map[string]M
	coming   map[string]M // the snapshot that is under way; nil: none is
	changes  map[string]struct{}
	clock    clock
	expiring int // of all, how many expire
}

// New returns Rows without any. facts reads a message.
func New[M comparable](facts func(M) Facts) *Rows[M] {
	return &Rows[M]{facts: facts, all: map[string]M{}, changes: map[string]struct{}{}}
}

// Get returns the newest message of a key.
func (r *Rows[M]) Get(key string) (m M, ok bool) {
	m, ok = r.all[key]
	return m, ok
}

// Len is how many keys there are.
func (r *Rows[M]) Len() int { return len(r.all) }

// Coming is how many there are, or are to be when a snapshot that is under way is complete, whichever is more.
func (r *Rows[M]) Coming() int { return max(len(r.all), len(r.coming)) }

// Underway reports whether a snapshot has begun and is not complete.
func (r *Rows[M]) Underway() bool { return r.coming != nil }

// All returns a copy.
func (r *Rows[M]) All() map[string]M { return maps.Clone(r.all) }

// Changes returns the keys that have changed since the last call, in order.
func (r *Rows[M]) Changes() []string {
	keys := slices.Sorted(maps.Keys(r.changes))
	clear(r.changes)
	return keys
}

// Begin says that a snapshot follows, and Resume that none does.
func (r *Rows[M]) Begin() { r.coming = map[string]M{} }

// Resume says that what has changed follows.
func (r *Rows[M]) Resume() { r.coming = nil }

// Snapshot takes a part of a snapshot; with the last one, the whole replaces what was there.
func (r *Rows[M]) Snapshot(part []M, more bool, now time.Time) {
	if r.coming == nil {
		r.Begin()
	}
	for _, m := range part {
		f := r.facts(m)
		r.clock.heard(f.Time, now)
		r.coming[f.Key] = m
	}
	if more {
		return
	}
	for key := range r.all {
		if _, ok := r.coming[key]; !ok {
			r.remove(key)
		}
	}
	for key, m := range r.coming {
		if before, ok := r.all[key]; !ok || r.facts(before).Position != r.facts(m).Position || r.facts(m).Position == "" {
			r.set(key, m)
		}
	}
	r.coming = nil
}

// Apply takes a message.
func (r *Rows[M]) Apply(m M, now time.Time) {
	f := r.facts(m)
	r.clock.heard(f.Time, now)
	before, had := r.all[f.Key]
	switch {
	case f.Cleared:
		for key := range r.all {
			r.remove(key)
		}
		clear(r.coming)
	case f.Key == "" || had && older(f.Position, r.facts(before).Position): // what a move repeats
	case f.Gone:
		if delete(r.coming, f.Key); had {
			r.remove(f.Key)
		}
	default:
		if r.set(f.Key, m); r.coming != nil {
			r.coming[f.Key] = m
		}
	}
}

// older reports whether a Position is older than one of the same key that is there. What has none is of now.
func older(position, before string) bool {
	at, err := realtime.ParsePosition(position)
	there, bad := realtime.ParsePosition(before)
	return err == nil && bad == nil && !at.IsZero() && at.Time < there.Time
}

// set puts a message in the place of a key, and notes the change.
func (r *Rows[M]) set(key string, m M) {
	r.forget(key)
	r.all[key] = m
	if !r.facts(m).Expires.IsZero() {
		r.expiring++
	}
	r.changes[key] = struct{}{}
}

func (r *Rows[M]) remove(key string) {
	r.forget(key)
	delete(r.all, key)
	r.changes[key] = struct{}{}
}

func (r *Rows[M]) forget(key string) {
	if before, ok := r.all[key]; ok && !r.facts(before).Expires.IsZero() {
		r.expiring--
	}
}

// Sweep removes what has expired.
func (r *Rows[M]) Sweep(now time.Time) {
	at, known := r.clock.server(now)
	if r.expiring == 0 || !known {
		return
	}
	for key, m := range r.all {
		if ends := r.facts(m).Expires; !ends.IsZero() && ends.Before(at) {
			r.remove(key)
		}
	}
}

// Changed reports whether Changes would return any.
func (r *Rows[M]) Changed() bool { return len(r.changes) > 0 }

// clock says what time it is at the server at least, from what was heard of it: a clock of ours that is wrong expires nothing early.
type clock struct{ then, here time.Time }

func (c *clock) heard(server, now time.Time) {
	if server.IsZero() {
		return
	}
	if at, known := c.server(now); !known || server.After(at) {
		c.then, c.here = server, now
	}
}

func (c *clock) server(now time.Time) (at time.Time, known bool) {
	return c.then.Add(now.Sub(c.here)), !c.here.IsZero()
}
