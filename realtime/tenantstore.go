package realtime

import "context"

// TenantStore is Tenants that can be written to. Writers compare and set: none overwrites what it has not read. A
// driver is held to it by realtimetest.TestTenants.
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
	return &Error{Code: CodeConflict, Message: "the tenant's document has been changed by somebody else meanwhile", Err: cause}
}
