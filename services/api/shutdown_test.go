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

// A call that waits for a store that hangs is answered, and all is over when the time is.
func TestEverythingHangs(t *testing.T) {
	t.Parallel()
	cloudruntest.EndsInTime(t, []string{"TIDEWIRE_BACKEND=memory", operators},
		func(ctx context.Context) *http.Request {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://api/v1/tenants/acme/connections", nil)
			r.RequestURI = ""
			r.Header.Set("Authorization", "Bearer "+operator(t)) // of the bubble's time
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
				h, err := c.handler(p, b)
				return release, h, err
			}
		})
}
