package cloudrun_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/services/cloudrun"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

func TestMain(m *testing.M) { cloudruntest.Main(m, nil) }

// log is a writer that may be read while it is written.
type log struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// When ctx ends, the requests under way end well, and no other is taken.
func TestServe(t *testing.T) {
	t.Parallel()
	e := environment("PORT", "0", "TIDEWIRE_BACKEND", "memory", "TIDEWIRE_METRICS", "true")
	c := cloudrun.ReadConfig(e)
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	out := &log{}
	logger := c.Logger(out)
	l, err := c.Listen(t.Context(), logger)
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "done")
	})
	seen, err := c.Observe(t.Context(), logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- cloudrun.Serve(ctx, l, seen.Routes(cloudrun.Health(mux)), logger) }()

	address := l.Addr().(*net.TCPAddr)
	if !address.IP.IsUnspecified() {
		t.Errorf("it listens on %s alone", address)
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", address.Port)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) string {
		res, err := client.Get(url + path)
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.Status + " " + string(body)
	}
	for path, want := range map[string]string{"/healthz": "200 OK ok\n", "/readyz": "200 OK ok\n", "/nothing": "404", "/metrics": "go_goroutines"} {
		if got := get(path); !strings.Contains(got, want) {
			t.Errorf("%s: %.200s", path, got)
		}
	}
	slow := make(chan string, 1)
	go func() { slow <- get("/slow") }()
	<-entered
	stop()
	for !strings.Contains(get("/healthz"), "refused") { // it does not listen any more
	}
	close(leave)
	if got := <-slow; got != "200 OK done" {
		t.Errorf("what was under way got %s", got)
	}
	if err := errors.Join(<-served, seen.Close(t.Context())); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), `"message":"listening","address":"`+address.String()+`"`) {
		t.Errorf("logged %s", out)
	}
}
