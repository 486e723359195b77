package backend_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/backend"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		spec string
		o    backend.Options
		says string
	}{
		{"", backend.Options{}, `backend "": must be memory or gcp:PROJECT`},
		{"floppy", backend.Options{}, "must be memory or gcp:PROJECT"},
		{"memory:", backend.Options{}, "must be memory or gcp:PROJECT"},
		{"gcp", backend.Options{}, "must be memory or gcp:PROJECT"},
		{"gcp:", backend.Options{}, "must be memory or gcp:PROJECT"},
		{"gcp:p1", backend.Options{TenantsFile: "/nowhere"}, "is only for memory"},
		{"gcp:p1", backend.Options{PubSubEmulator: "127.0.0.1:1"}, "set both or neither"},
		{"memory", backend.Options{TenantsFile: "/nowhere"}, "/nowhere"},
		{"memory", backend.Options{PubSubEmulator: "127.0.0.1:1"}, "for gcp:PROJECT"},
		{"memory", backend.Options{Database: "other"}, "for gcp:PROJECT"},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			t.Parallel()
			b, err := backend.Open(t.Context(), tt.spec, tt.o)
			if b != nil || err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), fmt.Sprintf("%q", tt.spec)) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

func TestOpenMemory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(file, []byte(`{"tenants":{"acme":{"placement":"pooled"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := backend.Open(t.Context(), "memory", backend.Options{TenantsFile: file, Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	if b.Broker == nil || b.Registry == nil || b.Revocations == nil || b.Topics != nil {
		t.Errorf("opened %+v", b)
	}
	if err := b.EnsureTenant(t.Context(), &realtime.Tenant{ID: "globex"}); err != nil {
		t.Error(err)
	}
	ids, _, err := b.Tenants.List(t.Context(), "", 10)
	if err != nil || fmt.Sprint(ids) != "[acme globex]" {
		t.Errorf("tenants %v, %v", ids, err)
	}
	acme, err := b.Tenants.Tenant(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if topic := b.Placement(acme); topic != realtime.PooledTopic(0) {
		t.Errorf("a pooled tenant is carried by %s", topic)
	}
	for range 2 {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
