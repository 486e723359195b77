package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/services/cloudrun"
)

// What the other services refuse is refused here as well, by the same words.
func TestOpensWhatOthersOpen(t *testing.T) {
	t.Parallel()
	kept := file(t)
	for _, tt := range []struct {
		spec string
		cloudrun.Storage
	}{
		{spec: "floppy"},
		{spec: "memory:"},
		{spec: "gcp"},
		{spec: "gcp:"},
		{spec: "memory"},
		{"memory", cloudrun.Storage{TenantsFile: kept}},
		{"memory", cloudrun.Storage{TenantsFile: filepath.Join(t.TempDir(), "nothing.json")}},
		{"memory", cloudrun.Storage{PubSubEmulator: "127.0.0.1:1"}},
		{"memory", cloudrun.Storage{Database: "other"}},
		{"gcp:p1", cloudrun.Storage{TenantsFile: kept}},
		{"gcp:p1", cloudrun.Storage{PubSubEmulator: "127.0.0.1:1"}},
	} {
		want := ""
		b, err := backend.Open(t.Context(), tt.spec, backend.Options{
			TenantsFile: tt.TenantsFile, Database: tt.Database, PubSubEmulator: tt.PubSubEmulator, FirestoreEmulator: tt.FirestoreEmulator,
		})
		if err != nil {
			want = err.Error()
		} else if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
		got := ""
		if _, _, err := openTenants(t.Context(), parts(tt.spec, tt.Storage)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s %+v: %q, others say %q", tt.spec, tt.Storage, got, want)
		}
	}
}

func parts(spec string, s cloudrun.Storage) *cloudrun.Parts {
	return &cloudrun.Parts{
		Observed: &cloudrun.Observed{Metrics: realtime.NoMetrics{}}, Log: slog.New(slog.DiscardHandler),
		Config: &cloudrun.Config{Backend: spec, Storage: s},
	}
}

var servers emulators.Shared

// The documents that the api writes are read.
func TestReadsWhatOthersWrite(t *testing.T) {
	t.Parallel()
	project := emulators.Project(t)
	s := cloudrun.Storage{PubSubEmulator: servers.PubSub(t), FirestoreEmulator: servers.Firestore(t)}
	b, err := backend.Open(t.Context(), "gcp:"+project, backend.Options{PubSubEmulator: s.PubSubEmulator, FirestoreEmulator: s.FirestoreEmulator})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if _, err := b.Tenants.Put(t.Context(), &realtime.Tenant{ID: "acme", Suspended: true}); err != nil {
		t.Fatal(err)
	}
	tenants, letGo, err := openTenants(t.Context(), parts("gcp:"+project, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := letGo(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if doc, err := tenants.Tenant(t.Context(), "acme"); err != nil || !doc.Suspended {
		t.Errorf("%+v, %v", doc, err)
	}
	if _, err := tenants.Tenant(t.Context(), "globex"); realtime.CodeOf(err) != realtime.CodeNotFound {
		t.Errorf("one that is not there: %v", err)
	}
}
