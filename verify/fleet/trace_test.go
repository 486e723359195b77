package fleet

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/wire"
	"github.com/tidewire/tidewire/verify/collector"
)

// One trace goes from the producer's request, through the function, Pub/Sub and a gateway, to the writing to a
// socket: processes of their own, which know of each other by what the messages carry.
func TestOneTrace(t *testing.T) {
	const trace, parent = "105445aa7843bc8bf206b12000100000", "00f067aa0ba902b7"
	c := collector.Start(t)
	f := startFleet(t, 0, tenant("acme"))
	g := f.addGateway(map[string]string{"TIDEWIRE_TELEMETRY": c.To, "K_SERVICE": "gateway"})
	ingest := f.function("ingest with telemetry", "ingest", map[string]string{"TIDEWIRE_TELEMETRY": c.To, "K_SERVICE": "ingest"})

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
	r.Header = http.Header{"Authorization": {"Bearer " + f.token("acme", "p")}, "Content-Type": {"application/json"}, "Traceparent": {"00-" + trace + "-" + parent + "-01"}}
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

	spans := c.Spans(trace)
	path, names := map[string]string{}, map[string]string{parent: "the producer's"}
	for _, s := range spans {
		names[s.ID] = s.Name
	}
	for _, s := range spans {
		path[s.Service+": "+s.Name] = names[s.Parent]
	}
	want := map[string]string{
		"ingest: POST ingest": "the producer's", "ingest: publish prices": "POST ingest",
		"gateway: deliver prices": "publish prices", "gateway: write prices": "deliver prices",
	}
	if diff := cmp.Diff(want, path); diff != "" {
		t.Errorf("spans and their parents (-want +got):\n%s", diff)
	}
	metrics := c.Metrics()
	for name, service := range map[string]string{"tidewire.publishes": "ingest", "tidewire.delivery.duration": "gateway", "tidewire.subscriptions": "gateway"} {
		if metrics[name] != service {
			t.Errorf("%s came from %q, want %q", name, metrics[name], service)
		}
	}
}
