package probe_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/functions/probe"
	"github.com/tidewire/tidewire/realtime"
)

func TestRun(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			p, log := deploy(t).open(t)
			w := httptest.NewRecorder()
			p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/", nil))
			var took map[string]int64
			if err := json.Unmarshal(w.Body.Bytes(), &took); err != nil || w.Code != http.StatusOK {
				t.Fatalf("answered %d %s: %v", w.Code, w.Body, err)
			}
			line := log.only(t)
			if line["msg"] != "the probe ran" || line["level"] != "INFO" || line[realtime.KeyTenant] != "probe" {
				t.Errorf("logged %v", line)
			}
			logged := map[string]int64{}
			for _, stage := range []string{"connect", "subscribe", "publish", "delivery"} {
				ms, ok := line[stage].(float64)
				if !ok || ms < 0 {
					t.Errorf("%s is logged as %v", stage, line[stage])
				}
				logged[stage] = int64(ms)
			}
			if diff := cmp.Diff(logged, took); diff != "" {
				t.Error("(-logged +answered):\n", diff)
			}
		})
	}
}

func TestRunsOverlap(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	p, _ := d.open(t)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := p.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	p, log := deploy(t).open(t)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, POST" {
		t.Errorf("answered %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if log.all.Len() > 0 {
		t.Errorf("logged %s", log.all.String())
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := probe.Options{Gateway: "https://sockets.example.com", Ingest: "https://ingest.example.com/", Tenant: "probe"}
	for name, change := range map[string]func(*probe.Options){
		"no gateway":       func(o *probe.Options) { o.Gateway = "" },
		"no scheme":        func(o *probe.Options) { o.Gateway = "sockets.example.com" },
		"a socket's URL":   func(o *probe.Options) { o.Gateway = "wss://sockets.example.com" },
		"a path":           func(o *probe.Options) { o.Gateway = "https://sockets.example.com/v1" },
		"ingest, no host":  func(o *probe.Options) { o.Ingest = "https://" },
		"ingest, a query":  func(o *probe.Options) { o.Ingest = "https://ingest.example.com?x" },
		"no tenant":        func(o *probe.Options) { o.Tenant = "" },
		"a tenant's path":  func(o *probe.Options) { o.Tenant = "tenants/probe" },
		"ingest, password": func(o *probe.Options) { o.Ingest = "https://a:b@ingest.example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			change(&o)
			if _, err := probe.New(o); realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := probe.New(good); err != nil {
		t.Error(err)
	}
}
