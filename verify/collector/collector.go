// Package collector has a collector that tests look into.
package collector

import (
	"context"
	"encoding/hex"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/grpc"
)

// Collector takes OTLP over gRPC and keeps what tests ask for. It is safe for concurrent use.
type Collector struct {
	// To is where telemetry is sent so that it comes here, as telemetry.Options has it.
	To string

	mu       sync.Mutex // guards what follows
	spans    []Span
	metrics  map[string]string // name of a metric to that of the service that sent it last
	points   int
	most     int
	resource map[string]string
}

// Span is one that has ended. Identifiers are in hexadecimal.
type Span struct{ Name, Service, Trace, ID, Parent string }

// Start starts a collector that ends with the test.
func Start(t testing.TB) *Collector {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{To: "otlp:" + l.Addr().String(), metrics: map[string]string{}}
	s := grpc.NewServer()
	collectormetrics.RegisterMetricsServiceServer(s, &metricsService{collector: c})
	collectortrace.RegisterTraceServiceServer(s, &traceService{collector: c})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return c
}

// Spans returns those of a trace, or all if that is empty.
func (c *Collector) Spans(trace string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.spans), func(s Span) bool { return trace != "" && s.Trace != trace })
}

// Metrics returns the names of metrics, each with that of the service that sent it last.
func (c *Collector) Metrics() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.metrics)
}

// Points returns how many points of metrics came, and the most that came in one request.
func (c *Collector) Points() (all, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.points, c.most
}

// Resource returns the attributes of whoever sent metrics last, those that are text.
func (c *Collector) Resource() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.resource)
}

func attributes(r *resource.Resource) map[string]string {
	all := map[string]string{}
	for _, a := range r.GetAttributes() {
		all[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return all
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer
	collector *Collector
}

// Export takes metrics.
func (s *metricsService) Export(_ context.Context, r *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	c := s.collector
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, of := range r.GetResourceMetrics() {
		c.resource = attributes(of.GetResource())
		for _, scope := range of.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				c.metrics[m.GetName()] = c.resource["service.name"]
				n += len(m.GetSum().GetDataPoints()) + len(m.GetGauge().GetDataPoints()) + len(m.GetHistogram().GetDataPoints())
			}
		}
	}
	c.points += n
	c.most = max(c.most, n)
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

type traceService struct {
	collectortrace.UnimplementedTraceServiceServer
	collector *Collector
}

// Export takes spans.
func (s *traceService) Export(_ context.Context, r *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	c := s.collector
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceSpans() {
		service := attributes(of.GetResource())["service.name"]
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, Span{
					s.GetName(), service, hex.EncodeToString(s.GetTraceId()), hex.EncodeToString(s.GetSpanId()), hex.EncodeToString(s.GetParentSpanId()),
				})
			}
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}
