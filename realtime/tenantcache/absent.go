package tenantcache

import (
	"time"

	"github.com/tidewire/tidewire/realtime/recent"
)

// absentTenants remember which tenants there are none of, since forged tokens ask for them again and again.
type absentTenants struct {
	*recent.Map[string, time.Time]
}

func newAbsentTenants() absentTenants {
	return absentTenants{recent.New[string, time.Time](absentFor, absentKept, time.Now())}
}

func (a absentTenants) has(id string, now time.Time) bool {
	at, ok := a.Get(id)
	return ok && now.Sub(at) < absentFor
}

func (a absentTenants) add(id string, now time.Time) {
	a.Turn(now)
	a.Put(id, now)
}

func (a absentTenants) remove(id string) { a.Delete(id) }
