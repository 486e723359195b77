package firestorerest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/firestorerest"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/realtimetest/storetest"
)

var servers emulators.Shared

func TestMain(m *testing.M) {
	// A goroutine that the SDK starts for the process and never ends.
	goleak.VerifyTestMain(servers.Main(m), goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

func open(t *testing.T, o firestorerest.Options) *firestorerest.Tenants {
	t.Helper()
	all, err := firestorerest.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := all.Close(); err != nil {
			t.Error(err)
		}
	})
	return all
}

// What the client of Firestore writes is read, and what it reads otherwise too.
func TestTenantSource(t *testing.T) {
	t.Parallel()
	storetest.TestTenantSource(t, storetest.Harness{
		TenantSource: func(t *testing.T) storetest.TenantSource {
			project, addr := emulators.Project(t), servers.Firestore(t)
			db, err := gcpfirestore.Open(t.Context(), gcp.Connection{Project: project, FirestoreEmulator: addr})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			return storetest.TenantSource{
				Source: open(t, firestorerest.Options{Project: project, Emulator: addr}),
				Store:  gcpfirestore.NewTenants(db, gcpfirestore.TenantsOptions{Timeout: time.Minute}),
				Spoil: func(t *testing.T, id string) {
					spoilt := map[string]any{"limits": []any{1.5, nil, time.Now(), []byte("bytes")}, "updatedAt": firestore.ServerTimestamp}
					if _, err := db.Collection("tenants").Doc(id).Set(t.Context(), spoilt); err != nil {
						t.Fatal(err)
					}
				},
			}
		},
	})
}

// backendErrors counts them by reason.
type backendErrors struct {
	realtime.NoMetrics

	mu sync.Mutex // guards by
	by map[string]int
}

func (e *backendErrors) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	if c == realtime.CountBackendErrors {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.by[string(reason)] += n
	}
}

// A call that fails with what may pass is made again; each failure is counted as that of the client is.
func TestFailedCalls(t *testing.T) {
	t.Parallel()
	answers := []struct {
		status int
		text   string
	}{
		{http.StatusServiceUnavailable, `{"error":{"code":503,"status":"UNAVAILABLE","message":"later"}}`},
		{http.StatusBadGateway, "<html>"},
		{http.StatusTooManyRequests, `[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slower"}}]`},
		{http.StatusForbidden, `{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no"}}`},
	}
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/projects/p1/databases/live/documents/tenants/acme" || r.Header.Get("Authorization") != "Bearer owner" {
			t.Errorf("%s, %q", r.URL, r.Header)
		}
		w.WriteHeader(answers[n].status)
		_, _ = w.Write([]byte(answers[n].text))
		n++
	}))
	defer server.Close()
	errs := &backendErrors{by: map[string]int{}}
	all := open(t, firestorerest.Options{Project: "p1", Database: "live", Emulator: strings.TrimPrefix(server.URL, "http://"), Metrics: errs})
	if _, err := all.Read(t.Context(), "acme"); err == nil || !strings.Contains(err.Error(), "permission_denied: no") {
		t.Error(err)
	}
	want := map[string]int{"firestore unavailable": 1, "firestore unknown": 1, "firestore resource_exhausted": 1, "firestore permission_denied": 1}
	if diff := cmp.Diff(want, errs.by); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A server that is not there is asked until the caller's time is over.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	addr := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	errs := &backendErrors{by: map[string]int{}}
	all := open(t, firestorerest.Options{Project: "p1", Emulator: addr, Metrics: errs})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := all.Changed(ctx, time.Now()); err == nil {
		t.Error("no error")
	}
	if errs.by["firestore unavailable"] == 0 {
		t.Errorf("counted %v", errs.by)
	}
}
