package telemetry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

func scrape(p *telemetry.Prometheus) string {
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	p := telemetry.NewPrometheus()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { p.Add(realtime.CountDrops, "acme", "too-slow", 2) })
	}
	all.Wait()
	p.Level(realtime.GaugeConnections, "", 7)
	p.Took(realtime.TimingAnswer, "acme", 20*time.Millisecond)
	text := scrape(p)
	for _, want := range []string{
		`tidewire_drops_total{reason="too-slow",tenant="acme"} 16`,
		`tidewire_connections{tenant=""} 7`,
		`tidewire_answer_seconds_bucket{tenant="acme",le="0.025"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func ExamplePrometheus() {
	p := telemetry.NewPrometheus()
	p.Add(realtime.CountGaps, "acme", "horizon", 1)
	for line := range strings.Lines(scrape(p)) {
		if strings.HasPrefix(line, "tidewire_gaps") {
			fmt.Print(line)
		}
	}
	// Output: tidewire_gaps_total{reason="horizon",tenant="acme"} 1
}
