package realtime

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TenantStore is Tenants that can be written to. Writers compare and set: none overwrites what it has not read. A
// driver is held to it by storetest.TestTenants.
type TenantStore interface {
	Tenants
	// Stored returns the document as the store has it now, never what is remembered of it: every write begins
	// with it. One that is marked as deleted is returned like any other. Fields of it that are none are left out, since
	// a write is to mend them. If there is no document the error has CodeNotFound.
	Stored(ctx context.Context, id string) (*Tenant, error)
	// Put writes a document that passes its check in the place of the state that has its Version, or as the first one if
	// that is 0, and returns it with its new Version, which is larger than any before. If the
	// store has another state by now, nothing is written and the error has CodeConflict. doc is not changed, nor is
	// what was returned before; who wrote a document reads it at once.
	Put(ctx context.Context, doc *Tenant) (*Tenant, error)
	// List returns up to limit identifiers behind after, in their order, those of deleted tenants included, and the
	// after of the next page, which is empty on the last. limit is 1 to 1000; 0 is 100.
	List(ctx context.Context, after string, limit int) (ids []string, next string, err error)
}

// StaleTenant returns the error of a Put of what is not the newest state any more: it has CodeConflict.
func StaleTenant(cause error) *Error {
	return &Error{Code: CodeConflict, Message: "the tenant's document was changed by somebody else meanwhile", Err: cause}
}

// TenantDeleted returns the error of a tenant whose document says that it was deleted, at a version of its store: it has
// CodeNotFound.
func TenantDeleted(version int64) *Error {
	return &Error{Code: CodeNotFound, Message: "tenant: is unknown", Err: deletedTenant(version)}
}

// deletedTenant is the version of a deletion.
type deletedTenant int64

func (d deletedTenant) Error() string { return fmt.Sprintf("it was deleted, version %d", int64(d)) }

// TenantDeletedAt returns the version that TenantDeleted made an error of, and whether it did.
func TenantDeletedAt(err error) (version int64, deleted bool) {
	var d deletedTenant
	deleted = errors.As(err, &d)
	return int64(d), deleted
}

// IsTenantDeleted reports whether an error is that of a tenant that was deleted, rather than of one that is not known.
func IsTenantDeleted(err error) bool {
	_, deleted := TenantDeletedAt(err)
	return deleted
}

// TenantState is a tenant's document as a store had it at a moment.
type TenantState struct {
	ID string
	// Exists says whether there is a document; the rest is of one.
	Exists bool
	// Version orders the states of one document: a larger one is newer.
	Version int64
	// Doc is the document, marked as deleted or not; nil if it is malformed, which Fault says. It is not changed.
	Doc   *Tenant
	Fault error
}

// TenantSource is what a TenantStore offers that is reached over a network, so that its documents can be served from memory, as
// package tenantcache does. Every call asks the store. Implementations are safe for concurrent use. storetest.TestTenantSource is this
// contract as a test.
type TenantSource interface {
	// Read returns a document as it is now. That there is none is no error.
	Read(ctx context.Context, id string) (TenantState, error)
	// Changed returns the documents that were written since a moment by this process's clock, each as it is now and those
	// it can tell of: a deletion, or a write by hand, may be missing.
	Changed(ctx context.Context, since time.Time) ([]TenantState, error)
	// Malformed is told once of each state with a Fault that is taken notice of, for metrics and logs.
	Malformed(ctx context.Context, id string, fault error)
}
