package gcp

import (
	"bytes"
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
)

// TenantsOptions configure Tenants. The zero value works.
type TenantsOptions struct {
	// Poll is how often changed documents are asked for, while anybody asks for tenants; 0 is 2 s. One poll
	// that finds nothing costs one reading of a document.
	Poll time.Duration
	// Outage is how long known documents serve while Firestore cannot be reached; 0 is an hour.
	Outage time.Duration
	// Timeout bounds one call of Firestore; 0 is 5 s.
	Timeout time.Duration
	// Metrics counts malformed documents, as backend errors; nil forgets.
	Metrics realtime.Metrics
	// Logger gets a line when Firestore cannot be read and when it can again, and one per malformed document; nil discards.
	Logger *slog.Logger
}

// Tenants are the tenant documents in Firestore, tenants/{tenant}, with the fields of a realtime.Tenant as JSON
// names them and updatedAt, which Put writes.
//
// They are served from memory. A document is read when it is first asked for, and what changed is asked for every two
// seconds while anybody asks for any; so a change arrives in about that time, if its
// updatedAt says so, and otherwise, or if the document was deleted, within a minute. After a minute in
// which nobody asked nothing is read any more, and the next who asks for a document waits until it was read anew.
//
// While Firestore cannot be reached, known documents serve for TenantsOptions.Outage; others are
// answered with CodeUnavailable. A document that has come to hold what is none, such as an unknown field, is
// logged, and the one before serves on; without one before it is an error. The Version of a document is the time of its
// last write, by Firestore's clock.
type Tenants struct {
	db *firestore.Client
	o  TenantsOptions
	*tenantCache
}

// NewTenants returns Tenants on a client, which stays open. Close them.
func NewTenants(db *firestore.Client, o TenantsOptions) *Tenants {
	o.Poll = cmp.Or(o.Poll, 2*time.Second)
	o.Outage = cmp.Or(o.Outage, time.Hour)
	o.Timeout = cmp.Or(o.Timeout, storeTimeout)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Tenants{db: db, o: o, tenantCache: newTenantCache(tenantDocuments{db}, o)}
}

// Stored returns a document as Firestore has it now. Fields that are none are left out of it, and logged.
func (t *Tenants) Stored(ctx context.Context, id string) (*realtime.Tenant, error) {
	if err := realtime.CheckTenantID(id); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	v, err := t.source.read(ctx, id)
	if err != nil {
		return nil, storeError("read tenant "+id, err)
	}
	if !v.exists {
		return nil, noSuchTenant()
	}
	doc, err := readTenant(v)
	if err != nil {
		t.malformed.found(ctx, tenantKind, tenantsCollection+"/"+id, err) // a write replaces what is wrong with it
	}
	return doc, nil
}

// Put writes a document in the place of the state of its Version, and returns it with its new one. It must not be
// changed afterwards. Who wrote it reads it at once.
func (t *Tenants) Put(ctx context.Context, doc *realtime.Tenant) (*realtime.Tenant, error) {
	if err := doc.Check(); err != nil {
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
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
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
	t.wrote(tenantVersion{id: doc.ID, exists: true, updated: at, text: string(text)})
	written := *doc
	written.Version = at.UnixNano()
	return &written, nil
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
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
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

// tenantDocuments is the source of tenants in Firestore.
type tenantDocuments struct{ db *firestore.Client }

func (d tenantDocuments) read(ctx context.Context, id string) (tenantVersion, error) {
	s, err := d.db.Collection(tenantsCollection).Doc(id).Get(ctx)
	if status.Code(err) == codes.NotFound {
		return tenantVersion{id: id}, nil
	}
	if err != nil {
		return tenantVersion{}, err
	}
	return tenantVersionOf(s), nil
}

// changed asks by the one field that every writer sets, which Firestore indexes by itself.
func (d tenantDocuments) changed(ctx context.Context, since time.Time) ([]tenantVersion, error) {
	const page = 500
	var all []tenantVersion
	query := d.db.Collection(tenantsCollection).Where(updatedAt, ">", since).OrderBy(updatedAt, firestore.Asc).Limit(page)
	for {
		found, err := query.Documents(ctx).GetAll()
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			all = append(all, tenantVersionOf(s))
		}
		if len(found) < page {
			return all, nil
		}
		query = query.StartAfter(found[page-1])
	}
}

// tenantVersionOf writes the fields of a document as JSON. What JSON cannot say is left to be refused as what it is not.
func tenantVersionOf(s *firestore.DocumentSnapshot) tenantVersion {
	fields := s.Data()
	delete(fields, updatedAt)
	text, err := json.Marshal(fields)
	if err != nil {
		text = fmt.Appendf(nil, "%q", err.Error())
	}
	return tenantVersion{id: s.Ref.ID, exists: true, updated: s.UpdateTime, text: string(text)}
}

// encodeTenant returns the fields of a document as Firestore takes them.
func encodeTenant(doc *realtime.Tenant) (map[string]any, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, err
	}
	return numbers(fields).(map[string]any), nil
}

// numbers makes integers of the numbers in a decoded document, which holds no others.
func numbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			v[name] = numbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = numbers(item)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // it is a number
		return f
	}
	return value
}
