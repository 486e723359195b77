// Package telemetry is what an operator sees: metrics and traces by OpenTelemetry, sent over OTLP to
// Google Cloud or to any collector, and log lines in the shape that Cloud Logging reads, with the
// trace they belong to. Package scrape below shows the same metrics to Prometheus.
//
// The framework knows none of it: it tells a realtime.Metrics what happens, and a realtime.Tracer where single
// publications go. Metrics and Tracer here are those on OpenTelemetry, for any provider; Open
// assembles them for a process.
package telemetry
