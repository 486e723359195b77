package limit

import "github.com/tidewire/tidewire/realtime"

// Update lets a tenant's newer document count for its connections that are open. More of them than
// it allows stay open; no other is let in until they are fewer.
func (l *Limiter) Update(t *realtime.Tenant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tenants[t.ID] != nil {
		l.tenant(t)
	}
}
