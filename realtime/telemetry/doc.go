// Package telemetry provides what an operator sees: OpenTelemetry metrics and traces, sent over OTLP to
// Google Cloud or to any collector, and log lines in the format of Cloud Logging, with the
// trace that they belong to. Package otlpgrpc sends them, and package scrape serves the same metrics to
// Prometheus; a program links those that it uses.
//
// The framework does not depend on it: it reports events to a realtime.Metrics, and the path of single
// publications to a realtime.Tracer. Metrics and Tracer here implement these on OpenTelemetry, for any provider. Open
// assembles them for a process.
package telemetry
