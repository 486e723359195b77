package tenantcache

import "time"

// absenceStep is for how long one look vouches that what is missing was missing before it.
const absenceStep = 30 * time.Second

// absence measures how long something has been missing, as far as anybody has looked: two looks far apart do not
// mean that it was missing in between. The zero value begins at the first look.
type absence struct {
	looked time.Time // last
	total  time.Duration
}

// lasts is told that it is missing now, and returns for how long it has been.
func (a *absence) lasts(now time.Time) time.Duration {
	switch gap := now.Sub(a.looked); {
	case a.looked.IsZero() || gap > AbsentFor:
		a.total = 0
	case gap > 0:
		a.total += min(gap, absenceStep)
	}
	a.looked = now
	return a.total
}

// recent remembers what was asked for last by tenant: between steadyKept and twice as many. The zero value
// is empty.
type recent[V any] struct {
	now, old map[string]V // the younger half and the older
}

// get returns what is remembered of a tenant, and keeps it among those asked for last.
func (r *recent[V]) get(id string) (v V, known bool) {
	if v, known = r.now[id]; known {
		return v, true
	}
	if v, known = r.old[id]; known {
		r.put(id, v)
	}
	return v, known
}

func (r *recent[V]) put(id string, v V) {
	if _, there := r.now[id]; r.now == nil || !there && len(r.now) >= steadyKept {
		r.now, r.old = map[string]V{}, r.now
	}
	r.now[id] = v
}

func (r *recent[V]) remove(id string) {
	delete(r.now, id)
	delete(r.old, id)
}
