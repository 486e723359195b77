package gcpfirestore

import (
	"context"
	"log/slog"
	"strings"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
)

// The reasons of realtime.CountBackendErrors for documents that are malformed, by what they are.
const (
	tenantKind     realtime.Reason = "firestore malformed tenant"
	logoutKind     realtime.Reason = "firestore malformed logout"
	connectionKind realtime.Reason = "firestore malformed connection"
	leaseKind      realtime.Reason = "firestore malformed lease"
	stateKind      realtime.Reason = "firestore malformed state"
	occupancyKind  realtime.Reason = "firestore malformed occupancy"
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
func (m malformed) found(ctx context.Context, what realtime.Reason, path string, err error) {
	m.metrics.Add(realtime.CountBackendErrors, "", what, 1)
	m.log.WarnContext(ctx, "a document is malformed", realtime.KeyReason, strings.TrimPrefix(string(what), "firestore malformed "), realtime.KeyDocument, path, realtime.KeyError, err)
}

// pathOf is the path of a document below the database.
func pathOf(ref *firestore.DocumentRef) string {
	if ref.Parent.Parent == nil {
		return ref.Parent.ID + "/" + ref.ID
	}
	return pathOf(ref.Parent.Parent) + "/" + ref.Parent.ID + "/" + ref.ID
}
