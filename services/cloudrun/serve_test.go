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
	"time"

	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/services/cloudrun"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

// variables returns a reader of these names and values.
func variables(pairs ...string) *environment.Reader {
	vars := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	return environment.New(func(name string) (string, bool) {
		s, ok := vars[name]
		return s, ok
	})
}

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
	e := variables("PORT", "0", "TIDEWIRE_BACKEND", "memory", "TIDEWIRE_METRICS", "true")
	c := cloudrun.ReadConfig(e, nil)
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	out := &log{}
	order := make(chan string, 10)
	ended := func(what string) { order <- what }
	entered, leave := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "done")
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- c.Serve(ctx, out, func(_ context.Context, p *cloudrun.Parts) (http.Handler, error) {
			p.Closing(func(context.Context) error { ended("closed"); return nil })
			p.Drain = func(context.Context) error { ended("drained"); return nil }
			return cloudrun.Health(mux), nil
		})
	}()
	address := out.address(t)
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
	if err := <-served; err != nil {
		t.Error(err)
	}
	if first, second := <-order, <-order; first != "drained" || second != "closed" {
		t.Errorf("%s before %s", first, second)
	}
}

// address waits for the line that says where it listens, which is on all addresses.
func (l *log) address(t *testing.T) *net.TCPAddr {
	t.Helper()
	for range 3000 {
		if _, text, ok := strings.Cut(l.String(), `"message":"listening","address":"`); ok {
			text, _, _ = strings.Cut(text, `"`)
			a, err := net.ResolveTCPAddr("tcp", text)
			if err != nil || !a.IP.IsUnspecified() {
				t.Fatalf("it listens on %s alone, %v", text, err)
			}
			return a
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it does not listen: %s", l)
	return nil
}

// What assemble has opened before it failed is closed, and what it failed with is the error.
func TestServeThatCannotStart(t *testing.T) {
	t.Parallel()
	c := cloudrun.ReadConfig(variables("PORT", "0", "TIDEWIRE_BACKEND", "memory"), nil)
	want, closed := errors.New("want"), 0
	err := c.Serve(t.Context(), io.Discard, func(_ context.Context, p *cloudrun.Parts) (http.Handler, error) {
		p.Closing(func(context.Context) error { closed++; return nil })
		return nil, want
	})
	if !errors.Is(err, want) || closed != 1 {
		t.Errorf("%v, closed %d times", err, closed)
	}
}

func TestProject(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{"gcp:p1": "p1", "memory": "", "gcp": ""} {
		c := cloudrun.Config{Backend: spec}
		if got := c.Project(); got != want {
			t.Errorf("%s: %q", spec, got)
		}
	}
}
