package main

import (
	"fmt"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/strict"
	"github.com/tidewire/tidewire/realtime/telemetry/otlpgrpc"
	"github.com/tidewire/tidewire/services/cloudrun"
)

// config is what the environment says.
type config struct {
	cloudrun.Config
	operators realtime.Auth // whose tokens may do everything
}

// readConfig reads the environment. Faults are in e.
func readConfig(e *environment.Reader) config {
	c := config{Config: cloudrun.ReadConfig(e, otlpgrpc.Export)}
	const name = "TIDEWIRE_OPERATORS"
	text := e.Needed(name, `which tokens are operators', as auth in a tenant's document: {"keys":[{"alg":"HS256","secret":"..."}]}`)
	if text == "" {
		return c
	}
	if err := strict.Decode("it", []byte(text), &c.operators); err != nil {
		e.Fault(name, "%v", err)
	} else if v, err := c.verifier(auth.Options{}); err != nil {
		e.Fault(name, "%v", err)
	} else if err := v.Close(); err != nil {
		e.Fault(name, "%v", err)
	}
	return c
}

// verifier returns what judges operators' tokens. Close it.
func (c *config) verifier(o auth.Options) (*auth.Verifier, error) {
	v, err := httpapi.NewOperators(c.operators, o)
	if err != nil {
		return nil, fmt.Errorf("read the operators: %w", err)
	}
	return v, nil
}
