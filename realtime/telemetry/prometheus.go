package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tidewire/tidewire/realtime"
)

// Prometheus is a realtime.Metrics that Handler shows in Prometheus' text
// format. Counters are tidewire_<name>_total with tenant and reason, gauges
// tidewire_<name>, timings tidewire_<name>_seconds. It is safe for concurrent use.
type Prometheus struct {
	registry *prometheus.Registry
	counters *family[realtime.Counter, *prometheus.CounterVec]
	gauges   *family[realtime.Gauge, *prometheus.GaugeVec]
	timings  *family[realtime.Timing, *prometheus.HistogramVec]
}

// NewPrometheus returns metrics with those of the Go runtime and the process.
func NewPrometheus() *Prometheus {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Prometheus{
		registry: r,
		counters: newFamily(r, func(c realtime.Counter) *prometheus.CounterVec {
			return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidewire_" + string(c) + "_total", Help: "Number of " + string(c) + "."}, []string{"tenant", "reason"})
		}),
		gauges: newFamily(r, func(g realtime.Gauge) *prometheus.GaugeVec {
			return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tidewire_" + string(g), Help: "Level of " + string(g) + "."}, []string{"tenant"})
		}),
		timings: newFamily(r, func(t realtime.Timing) *prometheus.HistogramVec {
			return prometheus.NewHistogramVec(prometheus.HistogramOpts{
				Name: "tidewire_" + string(t) + "_seconds", Help: "Duration of " + string(t) + ".",
				Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
			}, []string{"tenant"})
		}),
	}
}

// Add counts n events.
func (p *Prometheus) Add(c realtime.Counter, tenant, reason string, n int) {
	p.counters.get(c).WithLabelValues(tenant, reason).Add(float64(n))
}

// Level sets a gauge.
func (p *Prometheus) Level(g realtime.Gauge, tenant string, value int) {
	p.gauges.get(g).WithLabelValues(tenant).Set(float64(value))
}

// Took records a duration.
func (p *Prometheus) Took(t realtime.Timing, tenant string, d time.Duration) {
	p.timings.get(t).WithLabelValues(tenant).Observe(d.Seconds())
}

// Handler serves the metrics.
func (p *Prometheus) Handler() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{})
}
