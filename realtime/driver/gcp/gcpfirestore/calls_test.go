package gcpfirestore_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// backendErrors counts them.
type backendErrors struct {
	realtime.NoMetrics
	n atomic.Int64
}

func (e *backendErrors) Add(c realtime.Counter, _ string, _ realtime.Reason, n int) {
	if c == realtime.CountBackendErrors {
		e.n.Add(int64(n))
	}
}

// Answers that came, and documents that are not there, are no errors; the emulator refuses a document of more than a MiB,
// which is the caller's fault.
func TestCallsThatAreWell(t *testing.T) {
	t.Parallel()
	errs := &backendErrors{}
	db, err := gcpfirestore.Open(t.Context(), gcp.Connection{Project: emulators.Project(t), FirestoreEmulator: servers.Firestore(t), Metrics: errs})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // nothing is under way
	tenants := tenantcache.New(gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{}), tenantcache.Options{})
	if _, err := tenants.Put(t.Context(), &realtime.Tenant{ID: "acme"}); err != nil {
		t.Error(err)
	}
	if ids, _, err := tenants.List(t.Context(), "", 10); err != nil || len(ids) != 1 {
		t.Error(ids, err)
	}
	if _, err := tenants.Tenant(t.Context(), "nobody"); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Error(err)
	}
	if _, err := tenants.Put(t.Context(), &realtime.Tenant{ID: "large", Origins: []string{strings.Repeat("x", 2<<20)}}); err == nil {
		t.Error("a document of two MiB was stored")
	}
	if err := tenants.Close(); err != nil {
		t.Error(err)
	}
	if n := errs.n.Load(); n != 0 {
		t.Errorf("%d backend errors were counted", n)
	}
}
