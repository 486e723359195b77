package limit

import "github.com/tidewire/tidewire/realtime"

// kind is what a rate counts.
type kind uint8

const (
	frames kind = iota
	bytes
	subscribes
	publishes
	connects
	requests
	numKinds
	ownKinds = publishes // a connection has buckets of its own for the kinds before this one
)

// name is how the limit is spelt in a document.
func (k kind) name() string {
	return [numKinds]string{"framesPerSecond", "bytesPerSecond", "subscribesPerSecond", "publishesPerSecond", "connectsPerSecond", "requestsPerSecond"}[k]
}

// level is whose bucket it is.
type level uint8

const (
	ofConnection level = iota
	ofUser
	ofTenant
	numLevels
)

func (l level) String() string {
	return [numLevels]string{"connection", "user", "tenant"}[l]
}

// figures are the limits of one document with defaults and shares worked out.
// They are never changed.
type figures struct {
	rates              [numKinds][numLevels]int // a second, at least 1
	connections        int
	connectionsPerUser int
}

// most bounds a rate and a share, so that their product and a price fit in 63 bits.
const most = 1_000_000_000

func newFigures(l realtime.Limits) *figures {
	l = l.WithDefaults()
	f := &figures{connections: l.Connections, connectionsPerUser: l.ConnectionsPerUser}
	user, tenant := min(l.UserShare, most), min(l.TenantShare, most)
	for k, rate := range [...]int{frames: l.FramesPerSecond, bytes: l.BytesPerSecond, subscribes: l.SubscribesPerSecond} {
		rate = min(rate, most)
		f.rates[k] = [...]int{ofConnection: rate, ofUser: min(rate*user, most), ofTenant: min(rate*tenant, most)}
	}
	rate := min(l.PublishesPerSecond, most)
	f.rates[publishes] = [...]int{ofUser: rate, ofTenant: min(rate*tenant, most)}
	rate = min(l.RequestsPerSecond, most)
	f.rates[requests] = [...]int{ofUser: rate, ofTenant: min(rate*tenant, most)}
	// Connects are stated for the tenant. One user may make what it may use of all else:
	// the share of a user in that of the tenant.
	rate = min(l.ConnectsPerSecond, most)
	f.rates[connects] = [...]int{ofUser: min(max(rate*user/tenant, 1), rate), ofTenant: rate}
	return f
}
