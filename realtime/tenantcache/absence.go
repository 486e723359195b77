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
