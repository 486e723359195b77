// Package telemetry is what an operator sees: log lines in the shape that Cloud Logging
// reads, with the trace of their request, and metrics that can be scraped.
package telemetry
