package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/oauth"
)

// What Google Cloud's Telemetry API takes (https://docs.cloud.google.com/stackdriver/docs/otlp-metrics/use-sdks).
const (
	googleEndpoint = "telemetry.googleapis.com:443"
	googleScope    = "https://www.googleapis.com/auth/cloud-platform"
	// pointsPerRequest is the most it takes of metrics at once.
	pointsPerRequest = 200
)

// exporters send metrics and spans to one place.
type exporters struct {
	metrics metric.Exporter
	spans   sdktrace.SpanExporter
}

// exportersTo returns nil if nothing is to be sent.
func exportersTo(ctx context.Context, to, project string) (*exporters, error) {
	kind, address, _ := strings.Cut(to, ":")
	switch {
	case to == "" || to == "none":
		return nil, nil
	case to == "gcp":
		if project == "" {
			return nil, errors.New("gcp needs a backend in a Google Cloud project")
		}
		identity, err := oauth.NewApplicationDefault(ctx, googleScope)
		if err != nil {
			return nil, fmt.Errorf("find the credentials of this process: %w", err)
		}
		sign := grpc.WithPerRPCCredentials(identity)
		return newExporters(ctx,
			[]otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(googleEndpoint), otlpmetricgrpc.WithDialOption(sign)},
			[]otlptracegrpc.Option{otlptracegrpc.WithEndpoint(googleEndpoint), otlptracegrpc.WithDialOption(sign)})
	case kind == "otlp":
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, errors.New("otlp needs the address of a collector: otlp:HOST:PORT")
		}
		return newExporters(ctx,
			[]otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(address), otlpmetricgrpc.WithInsecure()},
			[]otlptracegrpc.Option{otlptracegrpc.WithEndpoint(address), otlptracegrpc.WithInsecure()})
	}
	return nil, errors.New("must be none, gcp or otlp:HOST:PORT")
}

func newExporters(ctx context.Context, m []otlpmetricgrpc.Option, s []otlptracegrpc.Option) (*exporters, error) {
	metrics, err := otlpmetricgrpc.New(ctx, m...)
	if err != nil {
		return nil, err
	}
	spans, err := otlptracegrpc.New(ctx, s...)
	if err != nil {
		return nil, errors.Join(err, metrics.Shutdown(ctx))
	}
	return &exporters{metrics, spans}, nil
}
