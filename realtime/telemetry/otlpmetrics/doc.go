// Package otlpmetrics sends metrics by OTLP over gRPC, which it speaks by net/http alone. It is for programs that record no spans, and of
// which the exporters of package otlpgrpc, with the gRPC library, would be more than half.
package otlpmetrics
