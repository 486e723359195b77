// Package otlpgrpc sends metrics and traces by OTLP with OpenTelemetry's exporters over gRPC.
package otlpgrpc

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/oauth"

	"github.com/tidewire/tidewire/realtime/telemetry"
)

var _ telemetry.Export = Export

// Export is what telemetry.Options take. It makes no call before something is to be sent, except for credentials.
func Export(ctx context.Context, to telemetry.Target) (telemetry.Exporters, error) {
	if to.Address != "" {
		return open(ctx,
			[]otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(to.Address), otlpmetricgrpc.WithInsecure()},
			[]otlptracegrpc.Option{otlptracegrpc.WithEndpoint(to.Address), otlptracegrpc.WithInsecure()})
	}
	identity, err := oauth.NewApplicationDefault(ctx, telemetry.GoogleScope)
	if err != nil {
		return telemetry.Exporters{}, fmt.Errorf("find the credentials of this process: %w", err)
	}
	sign := grpc.WithPerRPCCredentials(identity)
	return open(ctx,
		[]otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(telemetry.GoogleEndpoint), otlpmetricgrpc.WithDialOption(sign)},
		[]otlptracegrpc.Option{otlptracegrpc.WithEndpoint(telemetry.GoogleEndpoint), otlptracegrpc.WithDialOption(sign)})
}

func open(ctx context.Context, m []otlpmetricgrpc.Option, s []otlptracegrpc.Option) (telemetry.Exporters, error) {
	metrics, err := otlpmetricgrpc.New(ctx, m...)
	if err != nil {
		return telemetry.Exporters{}, err
	}
	spans, err := otlptracegrpc.New(ctx, s...)
	if err != nil {
		return telemetry.Exporters{}, errors.Join(err, metrics.Shutdown(ctx))
	}
	return telemetry.Exporters{Metrics: metrics, Spans: spans}, nil
}
