package client

import (
	"github.com/tidewire/tidewire/clients/go/api"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
)

// NewIngest returns the ingest endpoint of a tenant. Close it. The error is a usage.Error.
func NewIngest(address, tenant, token string) (*api.Ingest, error) {
	if err := CheckAddress(address); err != nil {
		return nil, err
	}
	i, err := api.NewIngest(tenant, options(address, token))
	if err != nil {
		return nil, usage.Errorf("--tenant: %w", err)
	}
	return i, nil
}
