package gcpfirestore

import (
	"context"
	"log/slog"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
)

// kind is what a document is, where one that is malformed is counted.
type kind string

// The kinds of documents that are read from Firestore. Dashboards and alerts name them after "firestore malformed ".
const (
	tenantKind     kind = "tenant"
	logoutKind     kind = "logout"
	connectionKind kind = "connection"
	leaseKind      kind = "lease"
)

// malformed counts and logs documents that hold what nobody here writes. The zero value forgets them.
type malformed struct {
	metrics realtime.Metrics
	log     *slog.Logger
}

func newMalformed(metrics realtime.Metrics, log *slog.Logger) malformed {
	if metrics == nil {
		metrics = realtime.NoMetrics{}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return malformed{metrics, log}
}

// found is told of a document by its path below the database. What becomes of it is its reader's to say.
func (m malformed) found(ctx context.Context, what kind, path string, err error) {
	m.metrics.Add(realtime.CountBackendErrors, "", "firestore malformed "+string(what), 1)
	m.log.WarnContext(ctx, "a document is malformed", realtime.KeyReason, string(what), realtime.KeyDocument, path, realtime.KeyError, err)
}

// pathOf is the path of a document below the database.
func pathOf(ref *firestore.DocumentRef) string {
	if ref.Parent.Parent == nil {
		return ref.Parent.ID + "/" + ref.ID
	}
	return pathOf(ref.Parent.Parent) + "/" + ref.Parent.ID + "/" + ref.ID
}
