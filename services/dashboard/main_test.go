package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

func TestMain(m *testing.M) { cloudruntest.Main(servers.Main(m), main) }

const tenants = `{"tenants":{
	"acme":   {"auth":{"keys":[{"kid":"a","alg":"HS256","secret":"acme-acme-acme-acme-acme-acme-acme-acme"}]}},
	"globex": {"auth":{"keys":[{"kid":"g","alg":"HS256","secret":"globex-globex-globex-globex-globex-globex"}]}, "suspended": true}}}`

func file(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(name, []byte(tenants), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// ask gets a path by a name of the service.
func ask(t *testing.T, p *cloudruntest.Process, path, host string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestServiceWithDemo(t *testing.T) {
	t.Parallel()
	name := file(t)
	p := cloudruntest.Start(t, "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+name,
		"TIDEWIRE_GATEWAY=https://live.example.com", "TIDEWIRE_DEMO=true", "TIDEWIRE_HOSTS=dash.example.com, other.example.com")
	if p.URL == "" {
		t.Fatal(p.Log())
	}
	for path, want := range map[string]int{
		"/": 200, "/tidewire.js": 200, "/healthz": 200, "/metrics": 404,
		"/demo/session?tenant=globex": 403, "/demo/session?tenant=initech": 404,
	} {
		res := ask(t, p, path, "dash.example.com")
		if res.StatusCode != want {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	policy := ask(t, p, "/", "dash.example.com").Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "https://live.example.com wss://live.example.com") {
		t.Errorf("the page may not reach the gateway: %s", policy)
	}
	if res := ask(t, p, "/demo/session", "rebound.example.com"); res.StatusCode != http.StatusForbidden {
		t.Errorf("by a name that is not its own: %s", res.Status)
	}

	var s web.Session
	if err := json.NewDecoder(ask(t, p, "/demo/session?tenant=acme&group=currencies", "other.example.com").Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	if s.URL != "https://live.example.com" || s.Tenant != "acme" || s.User != "currencies-desk" {
		t.Errorf("the session is %+v", s)
	}
	docs, err := memory.LoadTenantsFile(name)
	if err != nil {
		t.Fatal(err)
	}
	verifier := auth.New(docs, auth.Options{})
	defer verifier.Close()
	who, err := verifier.Verify(t.Context(), s.Token)
	if err != nil || who.Tenant != "acme" || who.User != "currencies-desk" {
		t.Fatalf("its token is %+v's, %v", who, err)
	}
	if prices, err := realtime.NewChannel("acme", "prices:currencies"); err != nil || len(who.FiltersOf(prices)) == 0 {
		t.Errorf("its token enforces no filter, %v", err)
	}
	p.Terminate()
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.Log())
	}
}

// Without the demo nobody gets a session here.
func TestServiceWithoutDemo(t *testing.T) {
	t.Parallel()
	p := cloudruntest.Start(t, "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+file(t), "TIDEWIRE_GATEWAY=https://live.example.com")
	if res := ask(t, p, "/demo/session", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a session was answered %s", res.Status)
	}
}

func TestServiceThatCannotStart(t *testing.T) {
	t.Parallel()
	for _, gateway := range []string{"", "live.example.com", "https://live.example.com/", "https://live.example.com; script-src *", "ftp://live.example.com"} {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			e := environment.New(func(name string) (string, bool) {
				return map[string]string{"TIDEWIRE_BACKEND": "memory", "TIDEWIRE_GATEWAY": gateway, "TIDEWIRE_DEMO": "true"}[name], true
			})
			readConfig(e)
			err := e.Err()
			if err == nil || !strings.Contains(err.Error(), "TIDEWIRE_GATEWAY: ") || !strings.Contains(err.Error(), "TIDEWIRE_HOSTS: ") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	cloudruntest.Documented(t, "../../docs/configuration.md", "dashboard", func(e *environment.Reader) { readConfig(e) })
}
