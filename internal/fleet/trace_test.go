package fleet

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/tidewire/tidewire/realtime/wire"
)

// collector is an OTLP collector that keeps spans of one trace and names of metrics.
type collector struct {
	collectortrace.UnimplementedTraceServiceServer
	collectormetrics.UnimplementedMetricsServiceServer

	trace string

	mu      sync.Mutex        // guards what follows
	spans   map[string]span   // by their identifier
	metrics map[string]string // name of a metric to that of a service that sent it
}

type span struct{ name, service, parent string }

func (c *collector) serve(t *testing.T) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	collectortrace.RegisterTraceServiceServer(s, c)
	collectormetrics.RegisterMetricsServiceServer(s, metricsOf{c})
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

// Export takes spans.
func (c *collector) Export(_ context.Context, r *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceSpans() {
		service := ""
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				if hex.EncodeToString(s.GetTraceId()) == c.trace {
					c.spans[hex.EncodeToString(s.GetSpanId())] = span{s.GetName(), service, hex.EncodeToString(s.GetParentSpanId())}
				}
			}
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

// metricsOf is the collector's other service.
type metricsOf struct{ *collector }

// Export takes metrics.
func (c metricsOf) Export(_ context.Context, r *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceMetrics() {
		for _, scope := range of.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				for _, a := range of.GetResource().GetAttributes() {
					if a.GetKey() == "service.name" {
						c.metrics[m.GetName()] = a.GetValue().GetStringValue()
					}
				}
			}
		}
	}
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

// One trace goes from the producer's request, through the function, Pub/Sub and a gateway, to the writing to a
// socket: processes of their own, which know of each other by what the messages carry.
func TestOneTrace(t *testing.T) {
	const parent = "00f067aa0ba902b7"
	c := &collector{trace: "105445aa7843bc8bf206b12000100000", spans: map[string]span{}, metrics: map[string]string{}}
	telemetry := "otlp:" + c.serve(t)
	f := startFleet(t, 0, tenant("acme"))
	g := f.addGateway(map[string]string{"TIDEWIRE_TELEMETRY": telemetry, "K_SERVICE": "gateway"})
	ingest := f.function("ingest with telemetry", "ingest", map[string]string{"TIDEWIRE_TELEMETRY": telemetry, "K_SERVICE": "ingest"})

	v, end := visit(t, g.addr, f.token("acme", "ann"))
	if v == nil {
		t.Fatalf("not let in: %+v", end)
	}
	v.say(wire.ClientFrame{Type: wire.TypeSubscribe, ID: wire.ID("1"), Channel: "prices:fx"})
	if frame, _ := v.next(); frame.Type != wire.TypeOK {
		t.Fatalf("%+v", frame)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ingest.addr+"/v1/tenants/acme/events", strings.NewReader(`{"channel":"prices:fx","data":1}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header = http.Header{"Authorization": {"Bearer " + f.token("acme", "p")}, "Content-Type": {"application/json"}, "Traceparent": {"00-" + c.trace + "-" + parent + "-01"}}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if frame, _ := v.next(); res.StatusCode != http.StatusOK || frame.Type != wire.TypeMessage {
		t.Fatalf("%s, %+v", res.Status, frame)
	}
	_ = v.conn.Close()
	ingest.terminate()
	f.terminate(g)

	c.mu.Lock()
	defer c.mu.Unlock()
	path := map[string]string{}
	for _, s := range c.spans {
		path[s.service+": "+s.name] = c.spans[s.parent].name
		if s.parent == parent {
			path[s.service+": "+s.name] = "the producer's"
		}
	}
	want := map[string]string{
		"ingest: POST ingest": "the producer's", "ingest: publish prices": "POST ingest",
		"gateway: deliver prices": "publish prices", "gateway: write prices": "deliver prices",
	}
	if diff := cmp.Diff(want, path); diff != "" {
		t.Errorf("spans and their parents (-want +got):\n%s", diff)
	}
	for name, service := range map[string]string{"tidewire.publishes": "ingest", "tidewire.delivery.duration": "gateway", "tidewire.subscriptions": "gateway"} {
		if c.metrics[name] != service {
			t.Errorf("%s came from %q, want %q", name, c.metrics[name], service)
		}
	}
}
