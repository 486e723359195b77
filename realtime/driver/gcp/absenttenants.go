package gcp

import (
	"time"
)

// absentTenants remember which tenants there are none of, since forged tokens ask for them again and again.
type absentTenants struct {
	now, old map[string]time.Time // the younger half and the older
	turned   time.Time
}

func newAbsentTenants() absentTenants {
	return absentTenants{now: map[string]time.Time{}, turned: time.Now()}
}

func (a *absentTenants) has(id string, now time.Time) bool {
	at, ok := a.now[id]
	if !ok {
		at, ok = a.old[id]
	}
	return ok && now.Sub(at) < absentFor
}

func (a *absentTenants) add(id string, now time.Time) {
	if now.Sub(a.turned) >= absentFor || len(a.now) >= absentKept {
		a.old, a.now, a.turned = a.now, map[string]time.Time{}, now
	}
	a.now[id] = now
}

func (a *absentTenants) remove(id string) {
	delete(a.now, id)
	delete(a.old, id)
}
