package problem_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/problem"
)

type panics struct {
	realtime.NoMetrics
	n atomic.Int64
}

func (p *panics) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	if c == realtime.CountPanics && reason == contain.Request {
		p.n.Add(int64(n))
	}
}

// A panic in a handler is told and counted, and ends its request; one that is no fault is passed on.
func TestContain(t *testing.T) {
	t.Parallel()
	count, out := &panics{}, &bytes.Buffer{}
	server := httptest.NewServer(problem.Contain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/panic":
			panic("as planned")
		}
		_, _ = w.Write([]byte("fine"))
	}), slog.New(slog.NewTextHandler(out, nil)), count))
	for _, path := range []string{"/panic", "/abort"} {
		if resp, err := server.Client().Get(server.URL + path); err == nil {
			t.Errorf("%s: answered %s", path, resp.Status)
			_ = resp.Body.Close()
		}
	}
	resp, err := server.Client().Get(server.URL)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the next request: %+v, %v", resp, err)
	}
	_ = resp.Body.Close()
	server.Close()
	if n := count.n.Load(); n != 1 {
		t.Errorf("%d panics were counted", n)
	}
	if log := out.String(); strings.Count(log, "as planned") != 1 || !strings.Contains(log, "contain_test.go") {
		t.Errorf("the log: %s", log)
	}
}
