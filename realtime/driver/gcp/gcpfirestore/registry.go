package gcpfirestore

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

// RegistryOptions configure a Registry. The zero value works.
type RegistryOptions struct {
	// Timeout bounds one call of Firestore; 0 is 5 s.
	Timeout time.Duration
	// Metrics counts malformed documents, as backend errors; nil forgets.
	Metrics realtime.Metrics
	// Logger gets a line for each; nil discards.
	Logger *slog.Logger
}

// Registry is a realtime.Registry on Firestore:
//
//	tenants/{tenant}/connections/{connection}   one write at the connect, one at the close
//	instances/{instance}                        one write per renewal
//
// An instance that ends leaves its connection documents: they are dead with its lease. The janitor
// removes them, or their TTL does.
type Registry struct {
	db        *firestore.Client
	o         RegistryOptions
	malformed malformed // documents are passed over as if they were not there
	leases    leases
}

// NewRegistry returns a Registry on a client, which stays open.
func NewRegistry(db *firestore.Client, o RegistryOptions) *Registry {
	o.Timeout = cmp.Or(o.Timeout, storeTimeout)
	return &Registry{db: db, o: o, malformed: newMalformed(o.Metrics, o.Logger), leases: leases{kept: map[string]leased{}}}
}

// leaseDocument is instances/{instance}.
type leaseDocument struct {
	Service  string    `firestore:"service,omitempty"`
	Revision string    `firestore:"revision,omitempty"`
	Region   string    `firestore:"region,omitempty"`
	Started  time.Time `firestore:"started"`
	Sockets  int       `firestore:"sockets"`
	Until    time.Time `firestore:"leaseUntil"`
	Expires  time.Time `firestore:"expireAt"`
}

// leaseKept is how long the document of a lease stays after it has ended, if no janitor comes: longer than any of its
// connections, so that the janitor knows by it how they ended.
const leaseKept = 24 * time.Hour

// Renew writes the lease: one write.
func (r *Registry) Renew(ctx context.Context, lease realtime.Lease) error {
	if err := lease.Check(time.Now()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	_, err := r.lease(lease.Instance).Set(ctx, leaseDocument{
		Service: lease.Service, Revision: lease.Revision, Region: lease.Region,
		Started: lease.Started, Sockets: lease.Sockets, Until: lease.Until, Expires: lease.Until.Add(leaseKept),
	})
	return storeError("renew the lease of "+lease.Instance, err)
}

// Release ends the lease: one write, which also says that there are no sockets any more. Its connection documents
// are left to the janitor, which costs what removing them here would and does not take of the seconds that
// an instance has to end. So is the document of the lease, by which the janitor knows that it ended in order.
func (r *Registry) Release(ctx context.Context, instance string) error {
	if instance == "" {
		return realtime.Errorf(realtime.CodeBadRequest, "instance: is missing")
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	now := time.Now()
	_, err := r.lease(instance).Update(ctx, []firestore.Update{
		{Path: "sockets", Value: 0}, {Path: "leaseUntil", Value: now}, {Path: "expireAt", Value: now.Add(leaseKept)},
	})
	if status.Code(err) == codes.NotFound {
		err = nil
	}
	return storeError("release the lease of "+instance, err)
}

func (r *Registry) lease(instance string) *firestore.DocumentRef {
	return r.db.Collection(instancesCollection).Doc(encodeName(instance))
}

// connectionDocument is tenants/{tenant}/connections/{connection}.
type connectionDocument struct {
	User      string            `firestore:"user"`
	Groups    []string          `firestore:"groups,omitempty"`
	Instance  string            `firestore:"instance"`
	Meta      map[string]string `firestore:"meta,omitempty"`
	Remote    string            `firestore:"remote,omitempty"`
	Connected time.Time         `firestore:"connectedAt"`
	Expires   time.Time         `firestore:"expireAt"`
}

// Connect writes documents: all of them or none if one of them lacks its tenant, ID, instance
// or expiry, and otherwise in commits of which each is written whole or not at all.
func (r *Registry) Connect(ctx context.Context, docs []realtime.ConnectionDoc) error {
	// Of two documents of one connection the later counts, in whatever order commits arrive.
	at := make(map[realtime.ConnectionRef]int, len(docs))
	for i := range docs {
		if err := docs[i].Check(); err != nil {
			return err
		}
		at[realtime.ConnectionRef{Tenant: docs[i].Tenant, ID: docs[i].ID}] = i
	}
	w := docWriter{db: r.db, timeout: r.o.Timeout}
	for ref, i := range at {
		d := &docs[i]
		w.next().Set(r.connection(ref), encodeDoc(d))
		w.grow(docBytes(d))
	}
	return storeError("write connection documents", w.commit(ctx))
}

// Disconnect removes documents.
func (r *Registry) Disconnect(ctx context.Context, refs []realtime.ConnectionRef) error {
	w := docWriter{db: r.db, timeout: r.o.Timeout}
	for _, ref := range refs {
		if ref.ID == "" {
			return realtime.Errorf(realtime.CodeBadRequest, "id: is missing")
		}
		if err := realtime.CheckTenantID(ref.Tenant); err != nil {
			return err
		}
		w.next().Delete(r.connection(ref))
	}
	return storeError("remove connection documents", w.commit(ctx))
}

func (r *Registry) connections(tenant string) *firestore.CollectionRef {
	return r.db.Collection(tenantsCollection).Doc(tenant).Collection(connectionsCollection)
}

func (r *Registry) connection(ref realtime.ConnectionRef) *firestore.DocumentRef {
	return r.connections(ref.Tenant).Doc(encodeName(ref.ID))
}

// encodeDoc makes text of what is none: Firestore would refuse it, and all that is written with it.
func encodeDoc(d *realtime.ConnectionDoc) connectionDocument {
	doc := connectionDocument{
		User: validText(d.User), Instance: d.Instance, Remote: validText(d.Remote), Connected: d.Connected, Expires: d.Expires,
		Groups: make([]string, 0, len(d.Groups)), Meta: make(map[string]string, len(d.Meta)),
	}
	for _, g := range d.Groups {
		doc.Groups = append(doc.Groups, validText(g))
	}
	for name, value := range d.Meta {
		doc.Meta[encodeName(name)] = validText(value)
	}
	return doc
}

func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func decodeDoc(s *firestore.DocumentSnapshot) (realtime.ConnectionDoc, error) {
	var doc connectionDocument
	if err := s.DataTo(&doc); err != nil {
		return realtime.ConnectionDoc{}, err
	}
	d := realtime.ConnectionDoc{
		Tenant: s.Ref.Parent.Parent.ID, ID: decodeName(s.Ref.ID), User: doc.User, Groups: doc.Groups, Instance: doc.Instance,
		Remote: doc.Remote, Connected: doc.Connected, Expires: doc.Expires,
	}
	for name, value := range doc.Meta {
		if d.Meta == nil {
			d.Meta = make(map[string]string, len(doc.Meta))
		}
		d.Meta[decodeName(name)] = value
	}
	return d, d.Check()
}

// docBytes is about what a document takes in a request.
func docBytes(d *realtime.ConnectionDoc) int {
	n := 500 + len(d.User) + len(d.Remote)
	for _, g := range d.Groups {
		n += len(g)
	}
	for name, value := range d.Meta {
		n += len(name) + len(value)
	}
	return n
}

// leases remember for a moment until when instances live, since a page of connections names few
// instances and the next page names them again.
type leases struct {
	mu   sync.Mutex // guards kept
	kept map[string]leased
}

type leased struct {
	until time.Time // zero: it has no lease
	read  time.Time
}

// leaseAge is how old an answer about a lease may be.
const leaseAge = time.Second

// known returns the answers that are young enough and the instances that have none.
func (l *leases) known(instances map[string]bool, now time.Time) (until map[string]time.Time, missing []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.kept, func(_ string, one leased) bool { return now.Sub(one.read) >= leaseAge })
	until = make(map[string]time.Time, len(instances))
	for instance := range instances {
		if one, ok := l.kept[instance]; ok {
			until[instance] = one.until
		} else {
			missing = append(missing, instance)
		}
	}
	return until, missing
}

func (l *leases) keep(until map[string]time.Time, read time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for instance, end := range until {
		l.kept[instance] = leased{end, read}
	}
}

// leaseUntil returns until when instances live; the zero time for one without a lease.
func (r *Registry) leaseUntil(ctx context.Context, instances map[string]bool) (map[string]time.Time, error) {
	now := time.Now()
	until, missing := r.leases.known(instances, now)
	if len(missing) == 0 {
		return until, nil
	}
	read, err := r.readLeases(ctx, missing)
	if err != nil {
		return nil, err
	}
	r.leases.keep(read, now)
	maps.Copy(until, read)
	return until, nil
}

// readLeases reads leases in one call.
func (r *Registry) readLeases(ctx context.Context, instances []string) (map[string]time.Time, error) {
	refs := make([]*firestore.DocumentRef, len(instances))
	for i, instance := range instances {
		refs[i] = r.lease(instance)
	}
	snapshots, err := r.db.GetAll(ctx, refs)
	if err != nil {
		return nil, err
	}
	until := make(map[string]time.Time, len(instances))
	for i, s := range snapshots {
		until[instances[i]] = time.Time{}
		if !s.Exists() {
			continue
		}
		if lease, err := decodeLease(s); err != nil {
			r.malformed.found(ctx, leaseKind, pathOf(s.Ref), err)
		} else {
			until[instances[i]] = lease.Until
		}
	}
	return until, nil
}
