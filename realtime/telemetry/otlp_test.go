package telemetry_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/grpc"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

// collector is one that speaks OTLP.
type collector struct {
	collectormetrics.UnimplementedMetricsServiceServer
	collectortrace.UnimplementedTraceServiceServer

	mu       sync.Mutex // guards what follows
	most     int        // points of one request
	points   int
	spans    []string
	resource map[string]string
}

func (c *collector) serve(t *testing.T) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	collectormetrics.RegisterMetricsServiceServer(s, c)
	collectortrace.RegisterTraceServiceServer(s, traces{c})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func (c *collector) whose(r *resource.Resource) {
	c.resource = map[string]string{}
	for _, a := range r.GetAttributes() {
		c.resource[a.GetKey()] = a.GetValue().GetStringValue()
	}
}

func (c *collector) Export(_ context.Context, r *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, of := range r.GetResourceMetrics() {
		c.whose(of.GetResource())
		for _, scope := range of.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				n += len(m.GetSum().GetDataPoints()) + len(m.GetGauge().GetDataPoints()) + len(m.GetHistogram().GetDataPoints())
			}
		}
	}
	c.points += n
	c.most = max(c.most, n)
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

// traces is the other service of a collector, whose method has the same name.
type traces struct{ *collector }

func (c traces) Export(_ context.Context, r *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, s.GetName())
			}
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

// What is gathered comes to a collector, at the latest with Close, in requests that Google Cloud takes too.
func TestSentToACollector(t *testing.T) {
	t.Parallel()
	c := &collector{}
	tel, err := telemetry.Open(t.Context(), telemetry.Options{
		To: "otlp:" + c.serve(t), Project: "p1", Service: "tidewire-gateway", Revision: "r1", Region: "europe-west1", Instance: "i1", Tenants: 150,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		tel.Metrics.Add(realtime.CountPublishes, fmt.Sprint("t", i), "stored", 1)
		tel.Metrics.Level(realtime.GaugeConnections, fmt.Sprint("t", i), 1)
		tel.Metrics.Took(realtime.TimingPublish, fmt.Sprint("t", i), 1)
	}
	if err := tel.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, ended := tel.Tracer.Publishing(sampled(true), "acme", pubs(t))
	ended(nil)
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.points != 900 || c.most > 200 { // a Flush and a Close
		t.Errorf("%d points came, up to %d at once", c.points, c.most)
	}
	if strings.Join(c.spans, " ") != "publish prices" {
		t.Errorf("spans %q", c.spans)
	}
	want := map[string]string{
		"service.name": "tidewire-gateway", "service.version": "r1", "service.instance.id": "i1", "telemetry.sdk.language": "go",
		"gcp.project_id": "p1", "cloud.provider": "gcp", "cloud.platform": "gcp_cloud_run", "cloud.region": "europe-west1",
	}
	if diff := cmp.Diff(want, c.resource); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
