package collector_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
	"github.com/tidewire/tidewire/realtime/telemetry/otlpgrpc"
	"github.com/tidewire/tidewire/realtime/telemetry/otlpmetrics"
)

// taker is a collector that keeps requests as they come, and answers as a test says.
type taker struct {
	collectormetrics.UnimplementedMetricsServiceServer
	requests chan *collectormetrics.ExportMetricsServiceRequest
	answers  chan error
}

func (k *taker) Export(_ context.Context, r *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	k.requests <- r
	select {
	case err := <-k.answers:
		if err == nil {
			return &collectormetrics.ExportMetricsServiceResponse{PartialSuccess: &collectormetrics.ExportMetricsPartialSuccess{RejectedDataPoints: 3, ErrorMessage: "too old"}}, nil
		}
		return nil, err
	default:
		return &collectormetrics.ExportMetricsServiceResponse{}, nil
	}
}

func startTaker(t *testing.T) (k *taker, address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k = &taker{requests: make(chan *collectormetrics.ExportMetricsServiceRequest, 10), answers: make(chan error, 10)}
	s := grpc.NewServer()
	collectormetrics.RegisterMetricsServiceServer(s, k)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return k, l.Addr().String()
}

// exporter returns that of metrics, which is shut down with the test.
func exporter(t *testing.T, export telemetry.Export, address string) metric.Exporter {
	t.Helper()
	made, err := export(t.Context(), telemetry.Target{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Metrics.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return made.Metrics
}

// gathered are metrics of every kind that there is.
func gathered(t *testing.T) *metricdata.ResourceMetrics {
	t.Helper()
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "tidewire-dashboard"), attribute.String("cloud.region", "europe-west1 ☃"), attribute.Bool("b", true), attribute.Int("n", -7), attribute.Float64("f", 0.5))))
	m, err := telemetry.NewMetrics(provider, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"", "acme", "globex", "initech"} {
		m.Add(realtime.CountBackendErrors, tenant, "firestore unavailable", 3)
		m.Add(realtime.CountPanics, tenant, "", 0)
		m.Level(realtime.GaugeConnections, tenant, -len(tenant))
		for d := range 5 {
			m.Took(realtime.TimingPublish, tenant, time.Duration(d)*700*time.Millisecond)
		}
	}
	all := new(metricdata.ResourceMetrics)
	if err := reader.Collect(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all
}

// A collector cannot tell which exporter has sent what it gets.
func TestBothSendTheSame(t *testing.T) {
	t.Parallel()
	k, address := startTaker(t)
	all := gathered(t)
	var requests []*collectormetrics.ExportMetricsServiceRequest
	for _, export := range []telemetry.Export{otlpgrpc.Export, otlpmetrics.Export} {
		if err := exporter(t, export, address).Export(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		requests = append(requests, <-k.requests)
	}
	if n := len(requests[0].GetResourceMetrics()[0].GetScopeMetrics()[0].GetMetrics()); n < 4 {
		t.Errorf("only %d metrics were sent", n)
	}
	if diff := cmp.Diff(requests[0], requests[1], protocmp.Transform()); diff != "" {
		t.Errorf("(-otlpgrpc +otlpmetrics):\n%s", diff)
	}
}

// What passes is tried again; what does not, and what was taken in part, is an error.
func TestAnswersOfACollector(t *testing.T) {
	t.Parallel()
	k, address := startTaker(t)
	e := exporter(t, otlpmetrics.Export, address)
	for _, tt := range []struct {
		answers []error
		want    string
	}{
		{nil, ""},
		{[]error{status.Error(codes.PermissionDenied, "no ☃")}, "send metrics: grpc status 7: no ☃"},
		{[]error{nil}, "send metrics: grpc status 3: 3 points were not taken: too old"},
		{[]error{status.Error(codes.Unavailable, "later"), status.Error(codes.InvalidArgument, "bad")}, "send metrics: grpc status 3: bad"},
	} {
		for _, err := range tt.answers {
			k.answers <- err
		}
		got := ""
		if err := e.Export(t.Context(), gathered(t)); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		for range max(1, len(tt.answers)) {
			<-k.requests
		}
	}
	// Nobody is there.
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := exporter(t, otlpmetrics.Export, "127.0.0.1:1").Export(ctx, gathered(t)); err == nil {
		t.Error("nobody took it, and there is no error")
	}
}
