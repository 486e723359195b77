package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devstate"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/strict"
)

// signer returns what signs for a tenant: with the keys of a file, or else of a dev that runs, at url if there is one.
func (s std) signer(ctx context.Context, tenant, file, url string) (*auth.Signer, error) {
	kept, err := devstate.Find(s.state)
	if err != nil {
		return nil, err
	}
	if file != "" {
		tenants, err := kept.Tenants(file, false)
		if err != nil {
			return nil, err
		}
		return signerIn(ctx, tenants, tenant)
	}
	var signer *auth.Signer
	dev, more, err := kept.Pick(ctx, url, func(r devstate.Dev) error {
		tenants, err := kept.Tenants(r.Tenants, r.Demo)
		if err == nil {
			signer, err = signerIn(ctx, tenants, tenant)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return signer, s.reportChoice(dev, more)
}

func signerIn(ctx context.Context, tenants *memory.Tenants, tenant string) (*auth.Signer, error) {
	t, err := tenants.Tenant(ctx, tenant)
	if err != nil {
		return nil, usage.Errorf("--tenant: must be one of %s, got %q", strings.Join(tenants.IDs(), ", "), tenant)
	}
	signer, err := auth.NewSigner(t)
	if err != nil {
		return nil, usage.Errorf("--tenant: %w", err)
	}
	return signer, nil
}

// reportChoice says which dev a token is for, if it may have been another one that was meant.
func (s std) reportChoice(dev devstate.Dev, more bool) error {
	if !more {
		return nil
	}
	_, err := fmt.Fprintf(s.err, "tidewire: several dev servers are running; this token is for %s, started %s (choose another with --url or TIDEWIRE_URL)\n",
		dev.URL, dev.Started.Format("15:04:05"))
	return err
}

// operatorSigner returns what signs for operators: those whose keys are in a file, or of a dev that runs, at url if there
// is one.
func (s std) operatorSigner(ctx context.Context, tenant, tenants, file, url string) (*auth.Signer, error) {
	flag := "--operator"
	if file != "" {
		flag = "--operators"
	}
	if tenant != "" || tenants != "" {
		return nil, usage.Errorf("%s: an operator belongs to no tenant; leave out --tenant and --tenants", flag)
	}
	if file != "" {
		return s.signerOf(file)
	}
	kept, err := devstate.Find(s.state)
	if err != nil {
		return nil, err
	}
	dev, more, err := kept.Pick(ctx, url, func(devstate.Dev) error { return nil })
	if err != nil {
		return nil, err
	}
	keys, err := kept.OperatorKeys()
	if err != nil {
		return nil, err
	}
	signer, err := httpapi.NewOperatorSigner(keys)
	if err != nil {
		return nil, err
	}
	return signer, s.reportChoice(dev, more)
}

// signerOf returns what signs with the keys of a file, which is what the api is given as TIDEWIRE_OPERATORS.
func (s std) signerOf(file string) (*auth.Signer, error) {
	text, err := readFile(s.in, file)
	if err != nil {
		return nil, usage.Errorf("--operators: %w", err)
	}
	var keys realtime.Auth
	if err := strict.Decode("it", text, &keys); err != nil {
		return nil, usage.Errorf("--operators: %w", err)
	}
	signer, err := httpapi.NewOperatorSigner(keys)
	if err != nil {
		return nil, usage.Errorf("--operators: %w", err)
	}
	return signer, nil
}

// readFile reads a file, or standard input for "-".
func readFile(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name) //nolint:gosec // the caller says which file
}
