package gcpfirestore

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

// maxScanned is how many documents one page may read: dead ones are passed over, and there may be
// many after a crash. A page that ends by it may be short, or empty, and names its next one.
const maxScanned = 5000

// Connections lists a page, by one query or a few: with a User by their connections, with a Group by its, and with
// both by the user's. None of them needs an index that Firestore does not make by itself.
func (r *Registry) Connections(ctx context.Context, tenant string, q realtime.ConnectionQuery) (realtime.ConnectionPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return realtime.ConnectionPage{}, err
	}
	q.Limit = limit
	if err := realtime.CheckTenantID(tenant); err != nil {
		return realtime.ConnectionPage{}, err
	}
	if !utf8.ValidString(q.User) || !utf8.ValidString(q.Group) {
		return realtime.ConnectionPage{}, nil // nobody has such a name
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	l := listing{registry: r, tenant: tenant, q: q}
	if q.ID != "" {
		err = l.one(ctx)
	} else {
		err = l.scan(ctx)
	}
	if err != nil {
		return realtime.ConnectionPage{}, storeError("list connections of "+tenant, err)
	}
	return l.page, nil
}

// listing is one page under way.
type listing struct {
	registry *Registry
	tenant   string
	q        realtime.ConnectionQuery
	page     realtime.ConnectionPage
	full     bool // another one would have come
}

func (l *listing) one(ctx context.Context) error {
	s, err := l.registry.connection(realtime.ConnectionRef{Tenant: l.tenant, ID: l.q.ID}).Get(ctx)
	if status.Code(err) == codes.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return l.take(ctx, []*firestore.DocumentSnapshot{s})
}

func (l *listing) scan(ctx context.Context) error {
	query := l.registry.connections(l.tenant).OrderBy(firestore.DocumentID, firestore.Asc)
	switch {
	case l.q.User != "":
		query = query.Where("user", "==", l.q.User)
	case l.q.Group != "":
		query = query.Where("groups", "array-contains", l.q.Group)
	}
	if l.q.After != "" {
		query = query.StartAfter(encodeName(l.q.After))
	}
	// One more than the page takes tells whether there is another page.
	for scanned, n := 0, l.q.Limit+1; ; n = min(2*n, 1000) {
		found, err := query.Limit(n).Documents(ctx).GetAll()
		if err != nil {
			return err
		}
		if err := l.take(ctx, found); err != nil || l.full || len(found) < n {
			return err
		}
		last := found[n-1].Ref.ID
		if scanned += n; scanned >= maxScanned {
			l.page.Next = decodeName(last)
			return nil
		}
		query = query.StartAfter(last)
	}
}

// take puts what is alive and selected on the page, until it is full.
func (l *listing) take(ctx context.Context, found []*firestore.DocumentSnapshot) error {
	now := time.Now()
	docs := make([]realtime.ConnectionDoc, 0, len(found))
	instances := map[string]bool{}
	for _, s := range found {
		d, err := decodeDoc(s)
		if err != nil {
			l.registry.malformed.found(ctx, connectionKind, pathOf(s.Ref), err)
			continue
		}
		if l.selects(&d, now) {
			docs = append(docs, d)
			instances[d.Instance] = true
		}
	}
	until, err := l.registry.leaseUntil(ctx, instances)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if !until[d.Instance].After(now) {
			continue
		}
		if n := len(l.page.Connections); n == l.q.Limit {
			l.full, l.page.Next = true, l.page.Connections[n-1].ID
			return nil
		}
		l.page.Connections = append(l.page.Connections, d)
	}
	return nil
}

func (l *listing) selects(d *realtime.ConnectionDoc, now time.Time) bool {
	return d.Expires.After(now) &&
		(l.q.ID == "" || encodeName(d.ID) > encodeName(l.q.After)) &&
		(l.q.User == "" || d.User == l.q.User) &&
		(l.q.Group == "" || slices.Contains(d.Groups, l.q.Group))
}
