package demo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/services/dashboard/demo"
)

func TestSelf(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := asked.Add(1)
		if n == 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "# HELP of it\nprocess_cpu_seconds_total %g\ntidewire_publishes_total{reason=\"stored\",tenant=\"a\"} %d\ntidewire_publishes_total{reason=\"limited\",tenant=\"a\"} %d\n", 0.5*float64(n), 90*n, 10*n)
		for bound, count := range map[string]int64{"0.01": 98 * n, "0.1": 99 * n, "+Inf": 100 * n} {
			fmt.Fprintf(w, "tidewire_delivery_duration_seconds_bucket{tenant=\"a\",le=%q} %d\n", bound, count)
		}
		fmt.Fprint(w, "broken\nother{x=\"y\"} not-a-number\n")
	}))
	defer server.Close()
	f, now := demo.Self(server.URL, server.Client()), time.Now()
	if first := f.Next(now); len(first) != 0 {
		t.Errorf("one sample says nothing of a rate, got %v", first)
	}
	events := f.Next(now.Add(2 * time.Second))
	if len(events) != 1 || events[0].Key != "tidewire" {
		t.Fatalf("got %v", events)
	}
	if s, ok := events[0].Data.(demo.Service); !ok || s.Rate != 50 || s.Errors != 10 || s.CPU != 25 || s.P99 != 100 || !s.Live || len(s.Recent) != 1 {
		t.Errorf("got %+v", events[0].Data)
	}
	server.Close()
	if late := f.Next(now.Add(4 * time.Second)); len(late) != 0 {
		t.Errorf("a server that is away made %v", late)
	}
}
