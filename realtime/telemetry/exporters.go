package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Target is where metrics and traces are sent.
type Target struct {
	// Address is host:port of a collector that takes OTLP over gRPC without TLS; empty is Google Cloud's Telemetry API.
	Address string
}

// The address of Google Cloud's Telemetry API, and the scope of who may send to it
// (https://docs.cloud.google.com/stackdriver/docs/otlp-metrics/use-sdks).
const (
	GoogleEndpoint = "telemetry.googleapis.com:443"
	GoogleScope    = "https://www.googleapis.com/auth/cloud-platform"
	// pointsPerRequest is the most it takes of metrics at once.
	pointsPerRequest = 200
)

// Exporters send metrics and spans to one place. What has none is not sent.
type Exporters struct {
	Metrics metric.Exporter
	Spans   sdktrace.SpanExporter
}

// Export makes the exporters to a target. Package otlpgrpc has one: a program that sends nothing does not link it.
type Export func(ctx context.Context, to Target) (Exporters, error)

// targetOf reads where telemetry is to be sent; sends is false if nowhere.
func targetOf(to, project string) (target Target, sends bool, err error) {
	kind, address, _ := strings.Cut(to, ":")
	switch {
	case to == "" || to == "none":
		return target, false, nil
	case to == "gcp":
		if project == "" {
			return target, false, errors.New("gcp needs a backend in a Google Cloud project")
		}
		return target, true, nil
	case kind == "otlp":
		if _, _, err := net.SplitHostPort(address); err != nil {
			return target, false, errors.New("otlp needs the address of a collector: otlp:HOST:PORT")
		}
		return Target{Address: address}, true, nil
	}
	return target, false, errors.New("must be none, gcp or otlp:HOST:PORT")
}

// exporters returns those that the options ask for.
func (o *Options) exporters(ctx context.Context) (e Exporters, err error) {
	target, sends, err := targetOf(o.To, o.Project)
	switch {
	case err != nil || !sends:
	case o.Export == nil:
		err = errors.New("this program sends nothing: its Options have no Export")
	default:
		e, err = o.Export(ctx, target)
	}
	if err != nil {
		return Exporters{}, fmt.Errorf("telemetry to %q: %w", o.To, err)
	}
	return e, nil
}
