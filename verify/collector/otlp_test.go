package collector_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/otlpgrpc"
	"github.com/tidewire/tidewire/verify/collector"
)

// What is gathered comes to a collector, at the latest with Close, in requests that Google Cloud takes too.
func TestSentToACollector(t *testing.T) {
	t.Parallel()
	sampled := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3, 4}, TraceFlags: trace.FlagsSampled, Remote: true})
	c := collector.Start(t)
	tel, err := telemetry.Open(t.Context(), telemetry.Options{
		To: c.To, Export: otlpgrpc.Export, Project: "p1", Service: "tidewire-gateway", Revision: "r1", Region: "europe-west1", Instance: "i1", Tenants: 150,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		tel.Metrics.Add(realtime.CountPublishes, fmt.Sprint("t", i), "stored", 1)
		tel.Metrics.Level(realtime.GaugeConnections, fmt.Sprint("t", i), 1)
		tel.Metrics.Took(realtime.TimingPublish, fmt.Sprint("t", i), 1)
	}
	channel, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		t.Fatal(err)
	}
	_, ended := tel.Tracer.Publishing(trace.ContextWithRemoteSpanContext(t.Context(), sampled), "acme", []realtime.Publication{{Channel: channel, ID: "q1"}})
	ended(nil)
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, most := c.Points(); all != 450 || most > 200 {
		t.Errorf("%d points came, up to %d at once", all, most)
	}
	if spans := c.Spans(""); len(spans) != 1 || spans[0].Name != "publish prices" || spans[0].Trace != sampled.TraceID().String() || spans[0].Parent != sampled.SpanID().String() {
		t.Errorf("spans %+v", spans)
	}
	want := map[string]string{
		"service.name": "tidewire-gateway", "service.version": "r1", "service.instance.id": "i1", "telemetry.sdk.language": "go",
		"gcp.project_id": "p1", "cloud.provider": "gcp", "cloud.platform": "gcp_cloud_run", "cloud.region": "europe-west1",
	}
	if diff := cmp.Diff(want, c.Resource()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
