// Package scrape shows metrics to Prometheus, for local use and Kubernetes.
package scrape

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
)

// Page is metrics in Prometheus' text format. Names are OpenTelemetry's with '_' for '.', the unit and, of counters, _total:
// tidewire_connections, tidewire_deliveries_total, tidewire_delivery_duration_seconds.
type Page struct {
	registry *prometheus.Registry
	reader   *exporter.Exporter
}

// New returns a page with the metrics of the Go runtime and the process, and of whatever its Reader is given to.
func New() (*Page, error) {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(r), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("show metrics to Prometheus: %w", err)
	}
	return &Page{r, reader}, nil
}

// Reader is what telemetry.Options.Readers takes, once.
func (p *Page) Reader() metric.Reader { return p.reader }

// Handler serves the page.
func (p *Page) Handler() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{})
}
