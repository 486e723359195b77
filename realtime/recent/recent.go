// Package recent is the bounded memory of what came lately.
package recent

import "time"

// Map remembers entries in two halves: new ones go into the younger half, and now and then the older half is forgotten as
// a whole. So an entry costs nothing but its place, is remembered for at least the time of New unless more than most come within that
// time, and no more than twice as many are ever kept. A Map is not safe for concurrent use.
type Map[K comparable, V any] struct {
	half       time.Duration
	most       int
	young, old map[K]V
	turned     time.Time
}

// New returns a Map whose halves turn when the younger one has lasted for half, or has most entries. With a half of 0
// only their number counts.
func New[K comparable, V any](half time.Duration, most int, now time.Time) *Map[K, V] {
	return &Map[K, V]{half: half, most: most, young: map[K]V{}, turned: now}
}

// Turn forgets the older half if it is time to. It is called before a Put, with the present time.
func (m *Map[K, V]) Turn(now time.Time) {
	if m.half > 0 && now.Sub(m.turned) >= m.half || len(m.young) >= m.most {
		m.young, m.old, m.turned = map[K]V{}, m.young, now
	}
}

// Get returns what is remembered of k.
func (m *Map[K, V]) Get(k K) (v V, known bool) {
	if v, known = m.young[k]; known {
		return v, true
	}
	v, known = m.old[k]
	return v, known
}

// Touch is Get of what is to be remembered from now on.
func (m *Map[K, V]) Touch(k K, now time.Time) (v V, known bool) {
	if v, known = m.young[k]; known {
		return v, true
	}
	if v, known = m.old[k]; known {
		m.Turn(now)
		m.Put(k, v)
	}
	return v, known
}

// Put remembers v, from now on.
func (m *Map[K, V]) Put(k K, v V) { m.young[k] = v }

// Delete forgets k.
func (m *Map[K, V]) Delete(k K) {
	delete(m.young, k)
	delete(m.old, k)
}

// Len is how many entries are kept. One that is in both halves counts twice.
func (m *Map[K, V]) Len() int { return len(m.young) + len(m.old) }
