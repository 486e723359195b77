package main

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/services/dashboard/demo"
)

// loadTenants returns the tenants of a file, and those of the demo that the file does not
// have. Without a file and without the demo there are still the demo's tenants, since a
// server without tenants serves nobody.
func loadTenants(s state, file string, withDemo bool) (*memory.Tenants, error) {
	docs := map[string]*realtime.Tenant{}
	if file == "" || withDemo {
		secret, err := s.secret()
		if err != nil {
			return nil, err
		}
		maps.Copy(docs, demo.Tenants(secret))
	}
	if file != "" {
		fromFile, err := memory.LoadTenantsFile(file)
		if err != nil {
			return nil, err
		}
		for _, id := range fromFile.IDs() {
			t, err := fromFile.Tenant(nil, id) //nolint:staticcheck // it is in memory
			if err != nil {
				return nil, err
			}
			if err := cmp.Or(auth.CheckKeys(t), auth.CheckOrigins(t)); err != nil {
				return nil, err
			}
			docs[id] = t
		}
	}
	return memory.NewTenants(slices.Collect(maps.Values(docs))...)
}

// tenantsOfRunning returns the tenants of the dev that was started last.
func tenantsOfRunning(s state) (*memory.Tenants, error) {
	r, err := s.last()
	if err != nil {
		return nil, err
	}
	return loadTenants(s, r.Tenants, r.Demo)
}

// absolute makes a path good for a command started elsewhere.
func absolute(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	return filepath.Abs(file)
}
