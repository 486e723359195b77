package telemetry

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
)

// Traced returns a handler that notes the trace of a request in its context, for the log lines that are written
// there and what is published. It reads traceparent and tracestate (W3C Trace Context), which Google's front ends send too.
// It makes no span of the request: one of a socket would last an hour.
func Traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") != "" {
			r = r.WithContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
		}
		next.ServeHTTP(w, r)
	})
}

// Spans returns a handler that makes a span of each request that belongs to a sampled trace, named by its method and operation,
// which has to be one of few. Its context has the span.
func Spans(p trace.TracerProvider, operation string, next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, operation,
		otelhttp.WithTracerProvider(p), otelhttp.WithPropagators(propagation.TraceContext{}), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
		otelhttp.WithSpanNameFormatter(func(operation string, r *http.Request) string { return r.Method + " " + operation }))
}

// sampler decides which traces are recorded: of those that come from outside the sampled ones, as far as they are
// few, because anybody who sends a request may say that it is sampled; of what begins here, a share.
func sampler(share float64, foreignPerSecond rate.Limit) sdktrace.Sampler {
	return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share),
		sdktrace.WithRemoteParentSampled(&few{rate.NewLimiter(foreignPerSecond, max(1, int(foreignPerSecond)))}))
}

// few samples up to a rate.
type few struct{ bucket *rate.Limiter }

// ShouldSample takes a place of the bucket, if there is one.
func (f *few) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	result := sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState()}
	if f.bucket.Allow() {
		result.Decision = sdktrace.RecordAndSample
	}
	return result
}

// Description names the sampler.
func (f *few) Description() string { return "Few" }
