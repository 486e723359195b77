package gcpfirestore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

var (
	_ realtime.LeaseStore      = (*Registry)(nil)
	_ realtime.ConnectionStore = (*Registry)(nil)
)

// What is here reads beyond what is alive, for who removes what dead instances have left: the janitor. It asks
// for connections of all tenants, which needs the single-field index of the field instance of the
// collection group connections, ascending.

// pageRead is how many documents are read at once.
const pageRead = 500

// Leases yields the lease documents of all instances, also those that have ended, with an error at most as the
// last. An instance that has released its lease has Sockets 0, and no other: one without sockets has released it.
func (r *Registry) Leases(ctx context.Context) iter.Seq2[realtime.Lease, error] {
	return func(yield func(realtime.Lease, error) bool) {
		for s, err := range r.pages(ctx, r.db.Collection(instancesCollection).OrderBy(firestore.DocumentID, firestore.Asc)) {
			var lease realtime.Lease
			if err == nil {
				lease = r.readLease(ctx, s)
			}
			if !yield(lease, storeError("list leases", err)) || err != nil {
				return
			}
		}
	}
}

// Lease reads the lease of an instance as it is now. CodeNotFound says that there is none.
func (r *Registry) Lease(ctx context.Context, instance string) (realtime.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	s, err := r.lease(instance).Get(ctx)
	if status.Code(err) == codes.NotFound {
		return realtime.Lease{}, realtime.Errorf(realtime.CodeNotFound, "instance %q has no lease", instance)
	}
	if err != nil {
		return realtime.Lease{}, storeError("read the lease of "+instance, err)
	}
	return r.readLease(ctx, s), nil
}

// readLease reads a lease. One that is malformed has ended, and does not say that it did in order.
func (r *Registry) readLease(ctx context.Context, s *firestore.DocumentSnapshot) realtime.Lease {
	lease, err := decodeLease(s)
	if err != nil {
		r.malformed.found(ctx, leaseKind, pathOf(s.Ref), err)
		return realtime.Lease{Instance: decodeName(s.Ref.ID), Sockets: -1}
	}
	return lease
}

// DropLease removes a lease, unless it was renewed since it was read as lease, or is gone: then it reports false.
func (r *Registry) DropLease(ctx context.Context, lease realtime.Lease) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	doc := r.lease(lease.Instance)
	s, err := doc.Get(ctx)
	if err == nil && r.readLease(ctx, s).Until.Equal(lease.Until) {
		if _, err = doc.Delete(ctx, firestore.LastUpdateTime(s.UpdateTime)); err == nil {
			return true, nil
		}
	}
	switch status.Code(err) {
	case codes.NotFound, codes.FailedPrecondition:
		return false, nil
	}
	return false, storeError("drop the lease of "+lease.Instance, err)
}

// Instances yields each instance that connection documents of any tenant name, alive or not, with an error at
// most as the last. It reads one document for each.
func (r *Registry) Instances(ctx context.Context) iter.Seq2[string, error] {
	query := r.db.CollectionGroup(connectionsCollection).OrderBy("instance", firestore.Asc).Select("instance").Limit(1)
	return func(yield func(string, error) bool) {
		for after := query; ; {
			found, err := r.read(ctx, after)
			if err != nil {
				yield("", storeError("list instances of connections", err))
				return
			}
			if len(found) == 0 {
				return
			}
			value := found[0].Data()["instance"]
			if instance, ok := value.(string); !ok { // Connect writes no other
				r.malformed.found(ctx, connectionKind, pathOf(found[0].Ref), fmt.Errorf("instance: must be a string, got a %T", value))
			} else if !yield(instance, nil) {
				return
			}
			after = query.StartAfter(value) // whatever it is, so that what somebody else has written is passed over
		}
	}
}

// ConnectionsOf yields the connection documents of all tenants that name an instance, alive or not, with an error at
// most as the last. They may be removed while it goes on. Of one that is malformed only its name and instance are told, so
// that it can be removed.
func (r *Registry) ConnectionsOf(ctx context.Context, instance string) iter.Seq2[realtime.ConnectionDoc, error] {
	query := r.db.CollectionGroup(connectionsCollection).Where("instance", "==", instance).OrderBy(firestore.DocumentID, firestore.Asc)
	return func(yield func(realtime.ConnectionDoc, error) bool) {
		for s, err := range r.pages(ctx, query) {
			var d realtime.ConnectionDoc
			if err == nil {
				// What is below a name that no tenant can have is left to its TTL.
				if d = r.readDoc(ctx, s, instance); realtime.CheckTenantID(d.Tenant) != nil {
					continue
				}
			}
			if !yield(d, storeError("list connections of instance "+instance, err)) || err != nil {
				return
			}
		}
	}
}

func (r *Registry) readDoc(ctx context.Context, s *firestore.DocumentSnapshot, instance string) realtime.ConnectionDoc {
	d, err := decodeDoc(s)
	if err != nil {
		r.malformed.found(ctx, connectionKind, pathOf(s.Ref), err)
		return realtime.ConnectionDoc{Tenant: s.Ref.Parent.Parent.ID, ID: decodeName(s.Ref.ID), Instance: instance}
	}
	return d
}

// pages yields what a query finds, which is ordered by document, with an error at most as the last. Each page has its own time.
func (r *Registry) pages(ctx context.Context, query firestore.Query) iter.Seq2[*firestore.DocumentSnapshot, error] {
	query = query.Limit(pageRead)
	return func(yield func(*firestore.DocumentSnapshot, error) bool) {
		for page := query; ; {
			found, err := r.read(ctx, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, s := range found {
				if !yield(s, nil) {
					return
				}
			}
			if len(found) < pageRead {
				return
			}
			page = query.StartAfter(found[len(found)-1])
		}
	}
}

func (r *Registry) read(ctx context.Context, query firestore.Query) ([]*firestore.DocumentSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	return query.Documents(ctx).GetAll()
}

func decodeLease(s *firestore.DocumentSnapshot) (realtime.Lease, error) {
	var doc leaseDocument
	if err := s.DataTo(&doc); err != nil {
		return realtime.Lease{}, err
	}
	lease := realtime.Lease{
		Instance: decodeName(s.Ref.ID), Service: doc.Service, Revision: doc.Revision, Region: doc.Region,
		Started: doc.Started, Sockets: doc.Sockets, Until: doc.Until,
	}
	return lease, lease.Check(time.Now())
}
