package gcpfirestore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/strict"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

// TenantsOptions configure Tenants. The zero value works.
type TenantsOptions struct {
	// Timeout bounds one call of Firestore; 0 is 5 s.
	Timeout time.Duration
	// Retention is how long topics of the broker beside it keep messages, by which documents are checked; 0 is
	// realtime.DefaultRetention.
	Retention time.Duration
	// Metrics counts malformed documents, as backend errors; nil forgets.
	Metrics realtime.Metrics
	// Logger gets a line for each; nil discards.
	Logger *slog.Logger
}

// Tenants are the tenant documents in Firestore, tenants/{tenant}, with the fields of a realtime.Tenant as JSON
// names them and updatedAt, which Put writes. Every call asks Firestore: what asks often does so by a tenantcache.Cache.
//
// The Version of a document is the time of its last write, by Firestore's clock. Changed goes by updatedAt, so it
// tells of all writes that set that.
type Tenants struct {
	db        *firestore.Client
	timeout   time.Duration
	retention time.Duration
	malformed malformed
}

var (
	_ realtime.TenantStore  = (*Tenants)(nil)
	_ realtime.TenantSource = (*Tenants)(nil)
)

// NewTenants returns Tenants on a client, which stays open.
func NewTenants(db *firestore.Client, o TenantsOptions) *Tenants {
	return &Tenants{
		db: db, timeout: cmp.Or(o.Timeout, storeTimeout), retention: cmp.Or(o.Retention, realtime.DefaultRetention),
		malformed: newMalformed(o.Metrics, o.Logger),
	}
}

// Tenant returns a document as Firestore has it now.
func (t *Tenants) Tenant(ctx context.Context, id string) (*realtime.Tenant, error) {
	if realtime.CheckTenantID(id) != nil {
		return nil, noSuchTenant()
	}
	state, err := t.Read(ctx, id)
	switch {
	case err != nil:
		return nil, storeError("read tenant "+id, err)
	case !state.Exists:
		return nil, noSuchTenant()
	case state.Fault != nil:
		t.Malformed(ctx, id, state.Fault)
		return nil, &realtime.Error{Code: realtime.CodeInternal, Message: fmt.Sprintf("the document of tenant %s is invalid", id), Err: errors.New(state.Fault.Error())}
	case state.Doc.Deleted:
		return nil, realtime.TenantDeleted(state.Version)
	}
	return state.Doc, nil
}

func noSuchTenant() error {
	return realtime.Errorf(realtime.CodeNotFound, "tenant: is unknown")
}

// Malformed counts and logs a document.
func (t *Tenants) Malformed(ctx context.Context, id string, fault error) {
	t.malformed.found(ctx, tenantKind, tenantsCollection+"/"+id, fault)
}

// Stored returns a document as Firestore has it now. Fields that are malformed are left out of it, and told of.
func (t *Tenants) Stored(ctx context.Context, id string) (*realtime.Tenant, error) {
	if err := realtime.CheckTenantID(id); err != nil {
		return nil, err
	}
	s, err := t.get(ctx, id)
	if status.Code(err) == codes.NotFound {
		return nil, noSuchTenant()
	}
	if err != nil {
		return nil, storeError("read tenant "+id, err)
	}
	doc, err := t.decode(id, s.UpdateTime, textOf(s))
	if err != nil {
		t.Malformed(ctx, id, err) // a write replaces what is wrong with it
	}
	return doc, nil
}

// Put writes a document in the place of the state of its Version, and returns it with its new one.
func (t *Tenants) Put(ctx context.Context, doc *realtime.Tenant) (*realtime.Tenant, error) {
	if err := cmp.Or(doc.CheckFor(t.retention), document.Check(doc)); err != nil {
		return nil, err
	}
	fields, err := encodeTenant(doc)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	fields[updatedAt] = firestore.ServerTimestamp
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	at, err := t.set(ctx, doc, fields)
	if status.Code(err) == codes.InvalidArgument {
		return nil, &realtime.Error{Code: realtime.CodeBadRequest, Message: "the document cannot be stored; it may be too large, or have a name that begins and ends with __", Err: err}
	}
	if stale := (*realtime.Error)(nil); errors.As(err, &stale) {
		return nil, stale
	}
	if err != nil {
		return nil, storeError("write tenant "+doc.ID, err)
	}
	return t.decode(doc.ID, at, text) // a copy of what was checked
}

// set writes fields if the document is still what doc.Version names, and returns when.
func (t *Tenants) set(ctx context.Context, doc *realtime.Tenant, fields map[string]any) (time.Time, error) {
	ref := t.db.Collection(tenantsCollection).Doc(doc.ID)
	if doc.Version == 0 {
		written, err := ref.Create(ctx, fields)
		if status.Code(err) == codes.AlreadyExists {
			return time.Time{}, realtime.StaleTenant(err)
		}
		if err != nil {
			return time.Time{}, err
		}
		return written.UpdateTime, nil
	}
	// A write that replaces the whole document takes no precondition, so it is a transaction.
	var done firestore.CommitResponse
	err := t.db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		s, err := tx.Get(ref)
		if status.Code(err) == codes.NotFound {
			return realtime.StaleTenant(err)
		}
		if err != nil {
			return err
		}
		if s.UpdateTime.UnixNano() != doc.Version {
			return realtime.StaleTenant(nil)
		}
		return tx.Set(ref, fields)
	}, firestore.WithCommitResponseTo(&done))
	if status.Code(err) == codes.Aborted { // somebody else writes it at this moment
		err = realtime.StaleTenant(err)
	}
	if err != nil {
		return time.Time{}, err
	}
	return done.CommitTime(), nil
}

// List returns up to limit identifiers behind after, in their order, and the after of the next
// page, which is empty on the last. limit is 1 to 1000; 0 is 100.
func (t *Tenants) List(ctx context.Context, after string, limit int) (ids []string, next string, err error) {
	if limit, err = pageLimit(limit); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	query := t.db.Collection(tenantsCollection).OrderBy(firestore.DocumentID, firestore.Asc).Select().Limit(limit + 1)
	if after != "" {
		query = query.StartAfter(encodeName(after))
	}
	found, err := query.Documents(ctx).GetAll()
	if err != nil {
		return nil, "", storeError("list tenants", err)
	}
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].Ref.ID
	}
	for _, s := range found {
		if err := realtime.CheckTenantID(s.Ref.ID); err != nil { // it names no tenant
			t.malformed.found(ctx, tenantKind, pathOf(s.Ref), err)
			continue
		}
		ids = append(ids, s.Ref.ID)
	}
	return ids, next, nil
}

// updatedAt is the field of a tenant document that is not the tenant's.
const updatedAt = "updatedAt"

// Read returns a document as Firestore has it now.
func (t *Tenants) Read(ctx context.Context, id string) (realtime.TenantState, error) {
	s, err := t.get(ctx, id)
	if status.Code(err) == codes.NotFound {
		return realtime.TenantState{ID: id}, nil
	}
	if err != nil {
		return realtime.TenantState{}, err
	}
	return t.stateOf(s), nil
}

func (t *Tenants) get(ctx context.Context, id string) (*firestore.DocumentSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	return t.db.Collection(tenantsCollection).Doc(id).Get(ctx)
}

// Changed asks by the one field that every writer sets, which Firestore indexes by itself.
func (t *Tenants) Changed(ctx context.Context, since time.Time) ([]realtime.TenantState, error) {
	const page = 500
	var all []realtime.TenantState
	query := t.db.Collection(tenantsCollection).Where(updatedAt, ">", since).OrderBy(updatedAt, firestore.Asc).Limit(page)
	for {
		found, err := query.Documents(ctx).GetAll()
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			all = append(all, t.stateOf(s))
		}
		if len(found) < page {
			return all, nil
		}
		query = query.StartAfter(found[page-1])
	}
}

func (t *Tenants) stateOf(s *firestore.DocumentSnapshot) realtime.TenantState {
	state := realtime.TenantState{ID: s.Ref.ID, Exists: true, Version: s.UpdateTime.UnixNano()}
	if doc, err := t.decode(s.Ref.ID, s.UpdateTime, textOf(s)); err != nil {
		state.Fault = err
	} else {
		state.Doc = doc
	}
	return state
}

// decode returns what can be read of a document, and what is wrong with the rest.
func (t *Tenants) decode(id string, updated time.Time, text []byte) (*realtime.Tenant, error) {
	doc := new(realtime.Tenant)
	err := strict.Decode("the document", text, doc)
	doc.ID, doc.Version = id, updated.UnixNano()
	if err == nil {
		err = cmp.Or(doc.CheckFor(t.retention), document.Check(doc))
	}
	return doc, err
}
