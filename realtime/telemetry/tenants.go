package telemetry

import "sync"

// OtherTenants is the tenant that all count as whose names are not shown.
const OtherTenants = "other"

// DefaultTenants is how many a process shows by name unless it is told otherwise. A tenant has some 40 series in each gateway that holds it.
const DefaultTenants = 20

// tenants bounds how many names are shown, because every name makes time series that are stored and paid
// for. The first to come are shown for the life of the process.
type tenants struct {
	most int

	mu    sync.RWMutex // guards shown
	shown map[string]struct{}
}

// label is the name that a tenant is shown by. Empty, for what is no tenant's, stays so.
func (t *tenants) label(id string) string {
	if id == "" {
		return ""
	}
	t.mu.RLock()
	_, ok := t.shown[id]
	full := len(t.shown) >= t.most
	t.mu.RUnlock()
	switch {
	case ok:
		return id
	case full:
		return OtherTenants
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.shown[id]; !ok && len(t.shown) >= t.most {
		return OtherTenants
	}
	t.shown[id] = struct{}{}
	return id
}
