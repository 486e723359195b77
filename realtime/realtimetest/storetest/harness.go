package storetest

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Harness is what a driver gives to the suites. Each suite needs the field of its name, and Patience.
type Harness struct {
	// Registry makes an empty registry; TestRegistry calls it once per case.
	Registry func(t *testing.T) realtime.Registry
	// Revocations makes an empty store and returns it as two processes have it, or the same twice if it
	// lives within one; TestRevocations calls it once per case.
	Revocations func(t *testing.T) [2]realtime.Revocations
	// Tenants does the same for TestTenants.
	Tenants func(t *testing.T) [2]realtime.TenantStore
	// TenantSource makes an empty store; TestTenantSource calls it once per case.
	TenantSource func(t *testing.T) TenantSource
	// Lost makes one that has taken over nothing; TestLostConnections calls it once per case.
	Lost func(t *testing.T) Lost
	// Leftovers makes empty stores of one driver; TestLeftovers calls it once per case.
	Leftovers func(t *testing.T) Leftovers
	// States makes an empty store and returns it as two processes have it, or the same twice; TestStates calls it once per case.
	States func(t *testing.T) [2]States
	// Patience is how long a case waits for what has to come; 0 is 10 seconds.
	Patience time.Duration
}

func (h Harness) withDefaults() Harness {
	if h.Patience == 0 {
		h.Patience = 10 * time.Second
	}
	return h
}
