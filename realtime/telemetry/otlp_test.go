package telemetry_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/telemetrytest"
)

// What is gathered comes to a collector, at the latest with Close, in requests that Google Cloud takes too.
func TestSentToACollector(t *testing.T) {
	t.Parallel()
	c := telemetrytest.Start(t)
	tel, err := telemetry.Open(t.Context(), telemetry.Options{
		To: c.To, Project: "p1", Service: "tidewire-gateway", Revision: "r1", Region: "europe-west1", Instance: "i1", Tenants: 150,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		tel.Metrics.Add(realtime.CountPublishes, fmt.Sprint("t", i), "stored", 1)
		tel.Metrics.Level(realtime.GaugeConnections, fmt.Sprint("t", i), 1)
		tel.Metrics.Took(realtime.TimingPublish, fmt.Sprint("t", i), 1)
	}
	_, ended := tel.Tracer.Publishing(sampled(true), "acme", pubs(t))
	ended(nil)
	if err := tel.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, most := c.Points(); all != 450 || most > 200 {
		t.Errorf("%d points came, up to %d at once", all, most)
	}
	if spans := c.Spans(""); len(spans) != 1 || spans[0].Name != "publish prices" || spans[0].Trace != traceID || spans[0].Parent != spanID {
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
