package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/tenantcache"
	"github.com/tidewire/tidewire/services/cloudrun"
)

// openTenants opens the documents of tenants alone, of any backend that the other services open, and refuses what they refuse. It does
// not link what they do: nothing else of a backend is used here. letGo, which may be nil, is for the end.
func openTenants(ctx context.Context, p *cloudrun.Parts) (tenants realtime.Tenants, letGo shutdown.Step, err error) {
	kind, project, named := strings.Cut(p.Config.Backend, ":")
	switch {
	case kind == "memory" && !named:
		tenants, err = memoryTenants(&p.Config.Storage)
	case kind == "gcp" && project != "":
		tenants, letGo, err = cloudTenants(ctx, p, project)
	default:
		err = errors.New("must be memory or gcp:PROJECT")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("backend %q: %w", p.Config.Backend, err)
	}
	return tenants, letGo, nil
}

func memoryTenants(s *cloudrun.Storage) (realtime.Tenants, error) {
	switch {
	case s.Database != "" || s.PubSubEmulator != "" || s.FirestoreEmulator != "":
		return nil, errors.New("a database, a topic or an emulator is only for gcp:PROJECT")
	case s.TenantsFile == "":
		return memory.NewTenants()
	}
	return memory.LoadTenantsFile(s.TenantsFile)
}

func cloudTenants(ctx context.Context, p *cloudrun.Parts, project string) (realtime.Tenants, shutdown.Step, error) {
	s := &p.Config.Storage
	switch {
	case s.TenantsFile != "":
		return nil, nil, errors.New("a file of tenant documents is only for memory; with gcp, tenant documents are in Firestore")
	case (s.PubSubEmulator == "") != (s.FirestoreEmulator == ""):
		return nil, nil, errors.New("only one emulator is set; set both or neither")
	}
	store, err := gcpfirestore.Open(ctx, gcp.Connection{Project: project, Database: s.Database, FirestoreEmulator: s.FirestoreEmulator, Metrics: p.Metrics})
	if err != nil {
		return nil, nil, err
	}
	source := gcpfirestore.NewTenants(store, gcpfirestore.TenantsOptions{Retention: p.Config.Storage.Retention, Metrics: p.Metrics, Logger: p.Log})
	tenants := tenantcache.NewReader(source, tenantcache.Options{Logger: p.Log})
	return tenants, func(context.Context) error { return errors.Join(tenants.Close(), store.Close()) }, nil
}
