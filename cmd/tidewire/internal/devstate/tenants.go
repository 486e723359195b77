package devstate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/services/dashboard/demo"
)

// Tenants returns the tenants of a file, and those of the demo that the file does not
// have. Without a file and without the demo there are still the demo's tenants, since a
// server without tenants serves nobody.
func (f Folder) Tenants(file string, withDemo bool) (*memory.Tenants, error) {
	docs := map[string]*realtime.Tenant{}
	if file == "" || withDemo {
		secret, err := f.secret()
		if err != nil {
			return nil, err
		}
		maps.Copy(docs, demo.Tenants(secret))
	}
	if file != "" {
		fromFile, err := readTenants(file)
		if err != nil {
			return nil, usage.Errorf("--tenants: %w", err)
		}
		for _, t := range fromFile {
			docs[t.ID] = t
		}
	}
	return memory.NewTenants(slices.Collect(maps.Values(docs))...)
}

// readTenants returns the documents of a file, with keys and origins checked as well.
func readTenants(file string) ([]*realtime.Tenant, error) {
	tenants, err := memory.LoadTenantsFile(file)
	if err != nil {
		return nil, err
	}
	var docs []*realtime.Tenant
	for _, id := range tenants.IDs() {
		t, err := tenants.Tenant(context.Background(), id) // from memory
		if err != nil {
			return nil, err
		}
		if err := cmp.Or(auth.CheckKeys(t), auth.CheckOrigins(t)); err != nil {
			return nil, fmt.Errorf("%s: tenants.%s.%w", file, id, err)
		}
		docs = append(docs, t)
	}
	return docs, nil
}
