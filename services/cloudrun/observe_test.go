package cloudrun_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/services/cloudrun"
)

// Metrics are nobody's to see and nothing is sent unless it is said.
func TestObservedByNobody(t *testing.T) {
	t.Parallel()
	e := variables("TIDEWIRE_BACKEND", "memory")
	c := cloudrun.ReadConfig(e, nil)
	out := &log{}
	seen, err := c.Observe(t.Context(), c.Logger(out))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	seen.Spans("own", seen.Routes(http.NotFoundHandler())).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusNotFound || seen.Tracer != nil || out.String() != "" {
		t.Errorf("%d, tracer %v, logged %s", w.Code, seen.Tracer, out)
	}
	if err := seen.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Profiles have an address of their own.
func TestProfiles(t *testing.T) {
	t.Parallel()
	e := variables("TIDEWIRE_BACKEND", "memory", "TIDEWIRE_PPROF", "127.0.0.1:0")
	c := cloudrun.ReadConfig(e, nil)
	out := &log{}
	seen, err := c.Observe(t.Context(), c.Logger(out))
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(out.String(), `"address":"`)
	address, _, _ = strings.Cut(address, `"`)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + address + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_ = res.Body.Close()
	w := httptest.NewRecorder()
	seen.Routes(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil))
	if res.StatusCode != http.StatusOK || w.Code != http.StatusNotFound {
		t.Errorf("there %d, at the service itself %d", res.StatusCode, w.Code)
	}
	if err := seen.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// What is wrong names its variable.
func TestObserveRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, value, want string }{
		{"TIDEWIRE_TELEMETRY", "stackdriver", "must be none, gcp or otlp:HOST:PORT"},
		{"TIDEWIRE_TELEMETRY", "otlp", "address of a collector"},
		{"TIDEWIRE_TELEMETRY", "gcp", "gcp needs a backend in a Google Cloud project"},
		{"TIDEWIRE_PPROF", "nowhere", "TIDEWIRE_PPROF: "},
	} {
		t.Run(tt.value, func(t *testing.T) {
			t.Parallel()
			c := cloudrun.ReadConfig(variables("TIDEWIRE_BACKEND", "memory", tt.name, tt.value), nil)
			_, err := c.Observe(t.Context(), c.Logger(&log{}))
			if err == nil || !strings.Contains(err.Error(), tt.name) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
