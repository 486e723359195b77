package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

func TestMain(m *testing.M) { cloudruntest.Main(m, service) }

const (
	secret  = "acme-acme-acme-acme-acme-acme-acme-acme"
	auths   = `{"auth":{"keys":[{"kid":"a","alg":"HS256","secret":"` + secret + `"}]}}`
	tenants = `{"tenants":{"acme":` + auths + `,"` + slowTenant + `":` + auths + `}}`
)

// file writes the documents of the tenants and returns its name.
func file(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(name, []byte(tenants), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func token(t testing.TB) string { return tokenOf(t, "acme") }

func tokenOf(t testing.TB, tenant string) string {
	t.Helper()
	signer, err := auth.NewSigner(&realtime.Tenant{ID: tenant, Auth: realtime.Auth{Keys: []realtime.Key{{KID: "a", Alg: "HS256", Secret: secret}}}})
	if err != nil {
		t.Fatal(err)
	}
	all := []realtime.Pattern{"**"}
	text, err := signer.Sign(auth.Claims{User: "ann", Grants: realtime.Grants{Subscribe: all, Publish: all}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func dial(t testing.TB, url, token string) *websocket.Conn {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/v1/socket",
		http.Header{"Sec-Websocket-Protocol": {"tidewire.v1.json, bearer." + token}, "Traceparent": {"00-105445aa7843bc8bf206b12000100000-00f067aa0ba902b7-01"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	return ws
}

// The service from its start to SIGTERM, as a process: it keeps the container contract.
func TestService(t *testing.T) {
	t.Parallel()
	p := cloudruntest.Start(t, "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+file(t), "TIDEWIRE_DRAIN_SPREAD=2s", "K_SERVICE=gateway")
	if p.URL == "" {
		t.Fatalf("it ended: %v\n%s", p.Wait(), p.Log())
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 404, "/debug/pprof/": 404} {
		if got, body := get(t, p.URL+path); got != want {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
	ws := dial(t, p.URL, token(t))
	if _, frame, err := ws.ReadMessage(); err != nil || !strings.Contains(string(frame), `"type":"welcome"`) {
		t.Fatalf("%s, %v", frame, err)
	}
	p.Terminate()
	var last string
	for {
		_, frame, err := ws.ReadMessage()
		if err != nil {
			if !websocket.IsCloseError(err, 1012) {
				t.Errorf("the socket ended with %v", err)
			}
			break
		}
		last = string(frame)
	}
	if !strings.Contains(last, `"code":"draining"`) || !strings.Contains(last, "retryAfterMs") {
		t.Errorf("its last frame was %s", last)
	}
	_ = ws.Close()
	if err := p.Wait(); err != nil { // or it has not ended within the time that it grants itself, of the ten seconds of Cloud Run
		t.Errorf("it ended with %v\n%s", err, p.Log())
	}
	for _, line := range p.Lines() {
		if err := cloudruntest.CloudLogging(line); err != nil {
			t.Errorf("%v in %v", err, line)
		}
	}
}

// Metrics are served when that is asked for.
func TestServiceWithMetrics(t *testing.T) {
	t.Parallel()
	p := cloudruntest.Start(t, "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+file(t), "TIDEWIRE_METRICS=true")
	ws := dial(t, p.URL, token(t))
	if _, _, err := ws.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, p.URL+"/metrics"); code != 200 || !strings.Contains(body, "tidewire_connections") {
		t.Errorf("%d %.200s", code, body)
	}
}

// A service that cannot start says all that is wrong in one line, and ends.
func TestServiceThatCannotStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		variables []string
		says      []string
	}{
		{"every fault at once", []string{"PORT=http", "TIDEWIRE_LIFETIME=1", "TIDEWIRE_COMPRESS=yes"},
			[]string{"PORT:", "TIDEWIRE_BACKEND: is not set", "TIDEWIRE_LIFETIME:", "TIDEWIRE_COMPRESS:"}},
		{"no such backend", []string{"TIDEWIRE_BACKEND=floppy"}, []string{`backend \"floppy\"`, "memory"}},
		{"no such file", []string{"TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS=/nowhere"}, []string{"/nowhere"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := cloudruntest.Start(t, tt.variables...)
			if err := p.Wait(); err == nil {
				t.Error("it ended well")
			}
			lines := p.Lines()
			if len(lines) != 1 || lines[0]["severity"] != "CRITICAL" {
				t.Errorf("logged\n%s", p.Log())
			}
			for _, want := range tt.says {
				if !strings.Contains(p.Log(), want) {
					t.Errorf("%s is missing in\n%s", want, p.Log())
				}
			}
		})
	}
}

func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	cloudruntest.Documented(t, "../../docs/configuration.md", "gateway", func(e *environment.Reader) { readConfig(e) })
}

func TestRemote(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		proxies int
		header  []string
		want    string
	}{
		{"no header", 1, nil, "192.0.2.1"},
		{"Cloud Run", 1, []string{"203.0.113.7"}, "203.0.113.7"},
		{"what a client wrote is not believed", 1, []string{"10.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		{"nor what it wrote in a line of its own", 1, []string{"10.0.0.1", "203.0.113.7"}, "203.0.113.7"},
		{"a load balancer before it", 2, []string{"10.0.0.1, 203.0.113.7,198.51.100.2"}, "203.0.113.7"},
		{"IPv6", 1, []string{"2001:db8::1"}, "2001:db8::1"},
		{"fewer than there should be", 2, []string{"203.0.113.7"}, "192.0.2.1"},
		{"no address", 1, []string{"203.0.113.7, unknown"}, "192.0.2.1"},
		{"no proxy", 0, []string{"203.0.113.7"}, "192.0.2.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil) // from 192.0.2.1:1234
			r.Header["X-Forwarded-For"] = tt.header
			if got := remote(tt.proxies)(r); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
