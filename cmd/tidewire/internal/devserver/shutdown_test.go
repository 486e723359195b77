package devserver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/backend"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

// stuckRegistry never gives a lease back, whatever its context says.
type stuckRegistry struct {
	realtime.Registry
	release chan struct{}
}

func (r *stuckRegistry) Release(context.Context, string) error { <-r.release; return nil }

// Whatever of a dev hangs, it ends within the time that a process has.
func TestDevEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b, err := backend.Open(t.Context(), "memory", backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		seen, err := telemetry.Open(t.Context(), telemetry.Options{})
		if err != nil {
			t.Fatal(err)
		}
		tenants, err := memory.NewTenants()
		if err != nil {
			t.Fatal(err)
		}
		g, err := gateway.New(gateway.Options{Broker: b.Broker, Tenants: tenants, Registry: &stuckRegistry{b.Registry, release}})
		if err != nil {
			t.Fatal(err)
		}
		d := &Server{gateway: g, backend: b, seen: seen, operators: auth.New(tenants, auth.Options{}), verifier: auth.New(tenants, auth.Options{})}
		d.running.Go(func() { <-release }) // a producer
		ctx, stop := context.WithCancel(t.Context())
		stop()
		begun := time.Now()
		err = d.close(ctx)
		if took := time.Since(begun); !errors.Is(err, shutdown.ErrLate) || took > 9*time.Second {
			t.Errorf("it took %s and ended with %v", took, err)
		}
		close(release)
	})
}
