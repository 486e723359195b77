package realtime

import (
	"context"
	"time"
)

// Registry keeps the connection documents and the leases of instances.
// Implementations are safe for concurrent use. A connection is alive while it
// has not expired and the lease of its instance is valid; every method reads
// "alive" so, whatever a sweep has left lying about.
// storetest.TestRegistry is this contract as a test.
type Registry interface {
	// Renew writes an instance's lease, which ends at its Until.
	Renew(ctx context.Context, lease Lease) error
	// Release ends an instance's lease now, and with it all its connections. An instance calls it when it ends, and when its last
	// socket has gone: it may never be given CPU again. Renew begins the lease anew.
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

// maxLease is how far the end of a lease may lie ahead: one for ever would keep what a dead instance has left.
const maxLease = 24 * time.Hour

// Check refuses a lease that says nothing, or more than a lease can. now is the present. A driver checks what it writes and what it
// reads. An error has code CodeBadRequest and names the field.
func (l *Lease) Check(now time.Time) error {
	if err := checkNamed("instance", l.Instance); err != nil {
		return err
	}
	if l.Sockets < 0 {
		return Errorf(CodeBadRequest, "sockets: must not be negative, got %d", l.Sockets)
	}
	if l.Until.After(now.Add(maxLease)) {
		return Errorf(CodeBadRequest, "leaseUntil: must be at most %v from now, got %s", maxLease, l.Until.UTC().Format(time.RFC3339))
	}
	return nil
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

// Check refuses a document that cannot be that of a connection. A driver checks what it writes and what it
// reads. An error has code CodeBadRequest and names the field.
func (d *ConnectionDoc) Check() error {
	if err := CheckTenantID(d.Tenant); err != nil {
		return err
	}
	if err := checkNamed("id", d.ID); err != nil {
		return err
	}
	if err := checkNamed("instance", d.Instance); err != nil {
		return err
	}
	if d.Expires.IsZero() {
		return Errorf(CodeBadRequest, "expireAt: is missing in connection %q", clip(d.ID))
	}
	return nil
}

// checkNamed refuses what cannot name an instance or a connection.
func checkNamed(field, name string) error {
	if name == "" {
		return Errorf(CodeBadRequest, "%s: is missing", field)
	}
	if len(name) > maxNamedBytes {
		return Errorf(CodeBadRequest, "%s: must be at most %d bytes, got %d", field, maxNamedBytes, len(name))
	}
	return nil
}

// maxNamedBytes leaves room for a name's escapes in the path of a document.
const maxNamedBytes = 400

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
// storetest.TestRevocations is this contract as a test.
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
