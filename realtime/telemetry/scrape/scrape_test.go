package scrape_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/scrape"
)

// That the page has every instrument, Prometheus' own parser says in the module verify.
func Example() {
	page, err := scrape.New()
	if err != nil {
		panic(err)
	}
	t, err := telemetry.Open(context.Background(), telemetry.Options{Readers: []metric.Reader{page.Reader()}})
	if err != nil {
		panic(err)
	}
	t.Metrics.Add(realtime.CountGaps, "acme", "horizon", 1)
	for line := range strings.Lines(get(page)) {
		if strings.HasPrefix(line, "tidewire_gaps") {
			fmt.Print(line)
		}
	}
	// Output: tidewire_gaps_total{reason="horizon",tenant="acme"} 1
}

func get(p *scrape.Page) string {
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}
