package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/services/cloudrun"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
	"github.com/tidewire/tidewire/services/cloudrun/storage"
)

// A page that waits for a session while the store hangs is answered, and all is over when the time is.
func TestEverythingHangs(t *testing.T) {
	t.Parallel()
	cloudruntest.EndsInTime(t, []string{"TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS=" + file(t), "TIDEWIRE_GATEWAY=https://live.example.com", "TIDEWIRE_DEMO=true", "TIDEWIRE_HOSTS=dash.example.com"},
		func(ctx context.Context) *http.Request {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://dash.example.com/demo/session?tenant=acme&group=currencies", nil)
			r.RequestURI = ""
			return r
		},
		func(e *environment.Reader) (*cloudrun.Config, cloudruntest.Assemble) {
			c := readConfig(e)
			return &c.Config, func(ctx context.Context, p *cloudrun.Parts) (func(), http.Handler, error) {
				b, err := storage.Open(ctx, p)
				if err != nil {
					return nil, nil, err
				}
				release := cloudruntest.Hang(p, b, "acme")
				h, err := c.handler(b.Tenants, p.Log)
				return release, h, err
			}
		})
}
