package main

import (
	"net/url"
	"strings"

	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/telemetry/otlpgrpc"
	"github.com/tidewire/tidewire/services/cloudrun"
)

// config is what the environment says.
type config struct {
	cloudrun.Config
	gateway string   // origin
	demo    bool     // everybody may be any desk of the demo
	hosts   []string // names this service is reached by
}

// readConfig reads the environment. Faults are in e.
func readConfig(e *environment.Reader) config {
	c := config{
		Config:  cloudrun.ReadConfig(e, otlpgrpc.Export),
		gateway: e.Needed("TIDEWIRE_GATEWAY", "the origin of the gateway, such as https://live.example.com"),
		demo:    e.Switch("TIDEWIRE_DEMO"),
	}
	if c.gateway != "" && !isOrigin(c.gateway) {
		e.Fault("TIDEWIRE_GATEWAY", "must be an origin such as https://live.example.com, got %q", c.gateway)
	}
	for host := range strings.SplitSeq(e.Text("TIDEWIRE_HOSTS", ""), ",") {
		if host = strings.TrimSpace(host); host != "" {
			c.hosts = append(c.hosts, strings.ToLower(host))
		}
	}
	if c.demo && len(c.hosts) == 0 {
		e.Fault("TIDEWIRE_HOSTS", "is not set; with TIDEWIRE_DEMO it must list the host names of this service, such as demo.example.com")
	}
	return c
}

// isOrigin reports whether s is a scheme and a host, and nothing that would break out of a
// Content-Security-Policy.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && s == u.Scheme+"://"+u.Host && !strings.ContainsAny(s, " ,;'\"")
}
