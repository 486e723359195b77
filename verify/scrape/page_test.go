package scrape

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/scrape"
)

// opened is a page and the telemetry it shows.
func opened(t *testing.T) (*telemetry.Telemetry, *scrape.Page) {
	t.Helper()
	p, err := scrape.New()
	if err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.Open(t.Context(), telemetry.Options{Readers: []metric.Reader{p.Reader()}, Service: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return tel, p
}

func get(p *scrape.Page) string {
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// Prometheus' own parser reads the page, and finds every instrument with its kind.
func TestPage(t *testing.T) {
	t.Parallel()
	tel, p := opened(t)
	types := map[telemetry.Kind]dto.MetricType{telemetry.KindCounter: dto.MetricType_COUNTER, telemetry.KindGauge: dto.MetricType_GAUGE, telemetry.KindHistogram: dto.MetricType_HISTOGRAM}
	want := map[string]dto.MetricType{}
	for _, i := range telemetry.Instruments() {
		name := strings.TrimPrefix(i.Name, telemetry.Prefix)
		shown := strings.ReplaceAll(i.Name, ".", "_")
		if i.Unit == "By" {
			shown += "_bytes"
		}
		switch i.Kind {
		case telemetry.KindCounter:
			tel.Metrics.Add(realtime.Counter(name), "acme", "a \"reason\"\n", 3)
			tel.Metrics.Add(realtime.Counter(name), "", "", 1)
			shown += "_total"
		case telemetry.KindGauge:
			tel.Metrics.Level(realtime.Gauge(name), "acme", 3)
		case telemetry.KindHistogram:
			tel.Metrics.Took(realtime.Timing(name), "acme", 20*time.Millisecond)
			shown += "_seconds"
		}
		want[shown] = types[i.Kind]
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(get(p)))
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range want {
		f := families[name]
		if f == nil {
			t.Errorf("%s is missing", name)
		} else if f.GetType() != kind || f.GetHelp() == "" {
			t.Errorf("%s is %v, %q", name, f.GetType(), f.GetHelp())
		}
		delete(families, name)
	}
	for name := range families {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is shown, too", name)
		}
	}
}
