package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/time/rate"

	"github.com/tidewire/tidewire/realtime"
)

// Options say where telemetry goes, and whose it is. The zero value sends nothing anywhere.
type Options struct {
	// To is where metrics and traces are sent:
	//
	//	none, or empty   nowhere
	//	gcp              Google Cloud's Telemetry API, as whoever the process runs as; needs Project
	//	otlp:HOST:PORT   a collector, by OTLP over gRPC without TLS
	To string
	// Export makes what sends to To; nil: nothing can be sent.
	Export Export
	// Project, Service, Revision, Region and Instance say whose it is. Instance is new at every start.
	Project, Service, Revision, Region, Instance string
	// Interval is the time between exports of metrics; 0 is 60 s. Each value is paid for each time.
	Interval time.Duration
	// Tenants is how many are shown by name; 0 is DefaultTenants, and below 0 nobody is.
	Tenants int
	// Share is the part, 0 to 1, of what is published in no trace that begins one.
	Share float64
	// ForeignPerSecond is how many traces that came from outside as sampled are recorded; 0 is 5.
	ForeignPerSecond float64
	// Readers read the metrics besides, such as that of package scrape.
	Readers []metric.Reader
	// Spans gets the spans besides; nil: nobody.
	Spans sdktrace.SpanProcessor
}

// Telemetry is the telemetry of a process. It is safe for concurrent use. Close it.
type Telemetry struct {
	// Metrics and Tracer are to be told what happens.
	Metrics *Metrics
	Tracer  realtime.Tracer // nil: nobody gets spans

	meters  *metric.MeterProvider
	tracers *sdktrace.TracerProvider
}

// Open assembles telemetry. It makes no call before something is to be sent, except for credentials. An error names To and
// says what would be right.
func Open(ctx context.Context, o Options) (*Telemetry, error) {
	if o.Interval <= 0 {
		o.Interval = time.Minute
	}
	if o.ForeignPerSecond <= 0 {
		o.ForeignPerSecond = 5
	}
	e, err := o.exporters(ctx)
	if err != nil {
		return nil, err
	}
	whose := o.resource()
	meters := []metric.Option{metric.WithResource(whose), metric.WithCardinalityLimit(0)} // Metrics bounds what it shows
	for _, r := range o.Readers {
		meters = append(meters, metric.WithReader(r))
	}
	tracers := []sdktrace.TracerProviderOption{sdktrace.WithResource(whose), sdktrace.WithSampler(sampler(o.Share, rate.Limit(o.ForeignPerSecond)))}
	if o.Spans != nil {
		tracers = append(tracers, sdktrace.WithSpanProcessor(o.Spans))
	}
	if e.Metrics != nil {
		meters = append(meters, metric.WithReader(metric.NewPeriodicReader(e.Metrics, metric.WithInterval(o.Interval), metric.WithMaxExportBatchSize(pointsPerRequest))))
	}
	if e.Spans != nil {
		tracers = append(tracers, sdktrace.WithBatcher(e.Spans))
	}
	t := &Telemetry{meters: metric.NewMeterProvider(meters...), tracers: sdktrace.NewTracerProvider(tracers...)}
	if t.Metrics, err = NewMetrics(t.meters, o.Tenants); err != nil {
		return nil, errors.Join(err, t.Close(ctx))
	}
	if e.Spans != nil || o.Spans != nil {
		t.Tracer = NewTracer(t.tracers, o.Share > 0)
	}
	return t, nil
}

// resource says whose telemetry it is. Google Cloud makes of it the labels job, instance, location and cluster
// (https://docs.cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics).
func (o *Options) resource() *resource.Resource {
	all := []attribute.KeyValue{attribute.String("telemetry.sdk.language", "go")}
	add := func(name, value string) {
		if value != "" {
			all = append(all, attribute.String(name, value))
		}
	}
	add("service.name", o.Service)
	add("service.version", o.Revision)
	add("service.instance.id", o.Instance)
	if o.Project != "" {
		add("gcp.project_id", o.Project)
		add("cloud.provider", "gcp")
		add("cloud.region", o.Region)
		if o.Service != "" {
			add("cloud.platform", "gcp_cloud_run")
		}
	}
	return resource.NewSchemaless(all...)
}

// Spans returns a handler that makes spans of requests, as the function of that name does, if spans are wanted at all;
// else one that notes their traces, as Traced does.
func (t *Telemetry) Spans(operation string, next http.Handler) http.Handler {
	if t.Tracer == nil {
		return Traced(next)
	}
	return Spans(t.tracers, operation, next)
}

// Close sends what has been gathered, and ends. What is not sent when ctx ends is lost. Spans and metrics are sent at once, so that
// neither takes the time of the other.
func (t *Telemetry) Close(ctx context.Context) error {
	spans := make(chan error, 1)
	go func() { spans <- t.tracers.Shutdown(ctx) }()
	return errors.Join(t.meters.Shutdown(ctx), <-spans)
}

// LogErrors makes OpenTelemetry log what it could not send. It is for mains, since it holds for the whole process.
func LogErrors(log *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("telemetry could not be sent", realtime.KeyError, err)
	}))
}
