package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// leaseless is a Registry that renews no lease while it is down.
type leaseless struct {
	*memory.Registry
	down atomic.Bool
}

func (r *leaseless) Renew(ctx context.Context, l realtime.Lease) error {
	if r.down.Load() {
		return errors.New("the registry is down")
	}
	return r.Registry.Renew(ctx, l)
}

// While nobody could be registered nobody new is taken, and those who are connected stay.
func TestNobodyEntersWithoutRegistry(t *testing.T) {
	t.Parallel()
	key := realtime.Key{KID: "mine", Alg: "HS256", Secret: strings.Repeat("mine", 16)}
	acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{key}}}
	token := longLived(t, acme, "ann")
	registry := &leaseless{Registry: memory.NewRegistry()}
	inBubble(t, gateway.Options{Tenants: newDocuments(acme), Registry: registry}, func(b *bubbleGateway) {
		status := func(path string) int {
			client := &http.Client{Transport: &http.Transport{DialContext: b.dial, DisableKeepAlives: true}}
			r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, "http://gateway"+path, nil)
			if err != nil {
				b.t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			resp, err := client.Do(r)
			if err != nil {
				b.t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
				b.t.Errorf("%s does not say when to come back", path)
			}
			return resp.StatusCode
		}
		early := b.socket(http.Header{"Authorization": {"Bearer " + token}}, "")
		time.Sleep(time.Minute)
		if code := status("/readyz"); code != http.StatusOK {
			b.t.Errorf("ready: %d", code)
		}
		registry.down.Store(true)
		time.Sleep(30 * time.Second)
		for path, want := range map[string]int{"/readyz": 503, "/v1/events?channel=a:1": 503, "/healthz": 200} {
			if code := status(path); code != want {
				b.t.Errorf("%s: %d, want %d", path, code, want)
			}
		}
		if open, welcomed, code := early.state(); !open || !welcomed {
			b.t.Errorf("who was connected is there: %t, was welcomed: %t, %s", open, welcomed, code)
		}
	})
}
