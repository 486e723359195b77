package refusal

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// RetryLater is the least time after which a client that was refused for something that is down comes back.
const RetryLater = 5 * time.Second

// Unavailable is told when something that the gateway needs is down or overloaded.
func Unavailable(message string) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: message, RetryAfter: Jitter(RetryLater)}
}

// Draining is told while the gateway, or the topic of a client, goes away. Each client is told another time to come back, from
// after to after plus spread.
func Draining(after, spread time.Duration) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away; connect again for another one", RetryAfter: after + Random(spread)}
}

// Suspended is told to clients of a suspended tenant.
func Suspended() *realtime.Error {
	return realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
}

// Deleted is told to clients of a tenant that does not exist any more.
func Deleted() *realtime.Error {
	return realtime.Errorf(realtime.CodeForbidden, "the tenant was deleted")
}

// Origin is told to a page whose origins the tenant's document does not allow.
func Origin(origins []string) *realtime.Error {
	return realtime.Errorf(realtime.CodeForbidden, "origin: pages from %.100q may not connect; the tenant's document lists the allowed origins", strings.Join(origins, ", "))
}

// NoRoute is told to a client whose call names a route that the program does not know.
func NoRoute(route string) *realtime.Error {
	return realtime.Errorf(realtime.CodeNotFound, "route: %.64q is unknown", route)
}

// Jitter returns d to 2d, so that clients that are sent away do not come back together.
func Jitter(d time.Duration) time.Duration { return d + Random(d) }

// Random returns 0 to d.
func Random(d time.Duration) time.Duration {
	return rand.N(d + 1) //nolint:gosec // it spreads load and keeps no secret
}
