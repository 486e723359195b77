package realtime

import (
	"context"
	"time"
)

// Registry keeps the connection documents and the leases of instances.
// Implementations are safe for concurrent use. A connection is alive while it
// has not expired and the lease of its instance is valid; every method reads
// "alive" so, whatever a sweep has left lying about.
// realtimetest.TestRegistry is this contract as a test.
type Registry interface {
	// Renew writes an instance's lease, which ends at its Until.
	Renew(ctx context.Context, lease Lease) error
	// Release ends an instance's lease now, and with it all its connections.
	Release(ctx context.Context, instance string) error
	// Connect writes the documents of new connections, in bulk. Writing one again replaces it.
	Connect(ctx context.Context, docs []ConnectionDoc) error
	// Disconnect removes documents, in bulk. Removing what is not there is no error.
	Disconnect(ctx context.Context, refs []ConnectionRef) error
	// Connections lists the alive connections of a tenant, ordered by ID.
	Connections(ctx context.Context, tenant string, q ConnectionQuery) (ConnectionPage, error)
}

// Lease says that an instance lives until a moment.
type Lease struct {
	Instance string
	Service  string
	Revision string
	Region   string
	Started  time.Time
	Sockets  int
	Until    time.Time
}

// ConnectionRef names a connection.
type ConnectionRef struct {
	Tenant string
	ID     string
}

// ConnectionDoc is the document of one connection.
type ConnectionDoc struct {
	Tenant    string            `json:"-"`
	ID        string            `json:"id"`
	User      string            `json:"user"`
	Groups    []string          `json:"groups,omitempty"`
	Instance  string            `json:"instance"`
	Meta      map[string]string `json:"meta,omitempty"`
	Remote    string            `json:"remote,omitempty"`
	Connected time.Time         `json:"connectedAt"`
	Expires   time.Time         `json:"expireAt"`
}

// ConnectionQuery selects a page of connections. Empty fields select all.
type ConnectionQuery struct {
	ID    string
	User  string
	Group string
	After string // the Next of the page before
	Limit int    // 1 to 1000; 0 is 100
}

// ConnectionPage is one page. Next is empty on the last one.
type ConnectionPage struct {
	Connections []ConnectionDoc
	Next        string
}

// Revocations keep, per user, the moment before which tokens are no longer good: what
// a logout leaves behind. Implementations are safe for concurrent use.
// realtimetest.TestRevocations is this contract as a test.
type Revocations interface {
	// Revoke makes tokens of the user no longer good that were issued at before or earlier, or that do
	// not say when. It may be forgotten from until on, when no such token can still be
	// good by itself. Of several calls the latest before holds, and the latest until.
	Revoke(ctx context.Context, tenant, user string, before, until time.Time) error
	// RevokedBefore returns that moment, and the zero time if there is none. What Revoke has
	// written before the call began it sees, whichever instance wrote it. A store
	// that is down is an *Error with CodeUnavailable.
	RevokedBefore(ctx context.Context, tenant, user string) (time.Time, error)
}
