package main

import (
	"time"

	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/telemetry/otlpgrpc"
	"github.com/tidewire/tidewire/services/cloudrun"
)

// config is what the environment says.
type config struct {
	cloudrun.Config
	lifetime    time.Duration // of a connection, before it is asked to move
	drainSpread time.Duration // over which clients are asked to come back
	compress    bool
	proxies     int // that X-Forwarded-For is believed from
}

// readConfig reads the environment. Faults are in e.
func readConfig(e *environment.Reader) config {
	c := config{
		Config: cloudrun.ReadConfig(e, otlpgrpc.Export),
		// Cloud Run cuts at 60 minutes, if the service asks for as many. Clients are asked one by one
		// from nine tenths of this on, and the last of them two minutes before the cut.
		lifetime:    e.Duration("TIDEWIRE_LIFETIME", "58m", time.Second, 24*time.Hour),
		drainSpread: e.Duration("TIDEWIRE_DRAIN_SPREAD", "5s", time.Second, 5*time.Minute),
		compress:    e.Switch("TIDEWIRE_COMPRESS"),
		proxies:     e.Number("TIDEWIRE_PROXIES", 1, 0, 10),
	}
	c.Storage.LifecycleTopic = e.Text("TIDEWIRE_LIFECYCLE_TOPIC", "")
	return c
}
