package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tidewire/tidewire/realtime"
)

// tracer is a realtime.Tracer on OpenTelemetry. It follows what is published within a span that is sampled, by three spans:
//
//	publish <namespace>   until the broker has stored it
//	deliver <namespace>   at each instance with readers, from its arrival to the end of
//	write <namespace>     which is the writing to the sockets
//
// Their attributes are those of OpenTelemetry's messaging conventions, and tidewire.*.
type tracer struct {
	tracer trace.Tracer
	begins bool // also what is in no span, if the provider samples it
}

// NewTracer returns a Tracer. With begins it asks the provider's sampler about publications that belong to no trace,
// too; else it leaves those alone.
func NewTracer(p trace.TracerProvider, begins bool) realtime.Tracer {
	return &tracer{tracer: p.Tracer(scope), begins: begins}
}

const traceparent = "traceparent"

// Publishing begins the span of a call, and says how others go on with it.
func (t *tracer) Publishing(ctx context.Context, tenant string, pubs []realtime.Publication) (string, func(error)) {
	if parent := trace.SpanContextFromContext(ctx); !parent.IsSampled() && (parent.IsValid() || !t.begins) {
		return "", nil
	}
	ctx, span := t.tracer.Start(ctx, "publish "+pubs[0].Channel.Namespace(), trace.WithSpanKind(trace.SpanKindProducer))
	if !span.SpanContext().IsSampled() {
		return "", nil
	}
	span.SetAttributes(about(tenant, pubs[0].Channel, "publish")...)
	span.SetAttributes(attribute.Int("messaging.batch.message_count", len(pubs)))
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent], func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, string(realtime.CodeOf(err)))
		}
		span.End()
	}
}

// Delivered makes the spans of a delivery and its writing.
func (t *tracer) Delivered(from string, d realtime.Delivered) {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceparent: from})
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return // nor is what somebody else has put there
	}
	namespace := d.Channel.Namespace()
	ctx, deliver := t.tracer.Start(ctx, "deliver "+namespace, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(d.Received))
	deliver.SetAttributes(about(d.Channel.Tenant(), d.Channel, "process")...)
	deliver.SetAttributes(
		attribute.String("messaging.message.id", d.ID),
		attribute.Int("tidewire.readers", d.Readers),
		attribute.Int64("tidewire.broker.milliseconds", d.Received.Sub(d.Published).Milliseconds()),
	)
	_, write := t.tracer.Start(ctx, "write "+namespace, trace.WithTimestamp(d.Queued), trace.WithAttributes(attribute.Int("tidewire.behind", d.Behind)))
	write.End(trace.WithTimestamp(d.Written))
	deliver.End(trace.WithTimestamp(d.Written))
}

func about(tenant string, c realtime.Channel, operation string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "tidewire"),
		attribute.String("messaging.operation.type", operation),
		attribute.String("messaging.destination.name", c.Name()),
		attribute.String("tidewire.tenant", tenant),
	}
}
