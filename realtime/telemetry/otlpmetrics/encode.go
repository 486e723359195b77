package otlpmetrics

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of OTLP that metrics of this module are made of, with the numbers of their fields
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto). A test in the module
// verify compares them with those that OpenTelemetry's own exporter sends.

// message is one that is being encoded.
type message []byte

func (m *message) message(number protowire.Number, inner message) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, number, protowire.BytesType), inner)
}

func (m *message) text(number protowire.Number, s string) {
	if s != "" {
		*m = protowire.AppendString(protowire.AppendTag(*m, number, protowire.BytesType), s)
	}
}

func (m *message) varint(number protowire.Number, v uint64) {
	if v != 0 {
		*m = protowire.AppendVarint(protowire.AppendTag(*m, number, protowire.VarintType), v)
	}
}

// fixed appends a field that is there even if it is zero.
func (m *message) fixed(number protowire.Number, v uint64) {
	*m = protowire.AppendFixed64(protowire.AppendTag(*m, number, protowire.Fixed64Type), v)
}

func (m *message) time(number protowire.Number, t time.Time) {
	if ns := t.UnixNano(); !t.IsZero() && ns > 0 {
		m.fixed(number, uint64(ns))
	}
}

// packed appends a list of numbers.
func (m *message) packed(number protowire.Number, values []uint64) {
	if len(values) == 0 {
		return
	}
	var all message
	for _, v := range values {
		all = protowire.AppendFixed64(all, v)
	}
	m.message(number, all)
}

// encode returns an ExportMetricsServiceRequest.
func encode(all *metricdata.ResourceMetrics) ([]byte, error) {
	var of, resource, request message
	for _, kv := range all.Resource.Attributes() {
		resource.message(1, attributeOf(kv))
	}
	of.message(1, resource)
	for i := range all.ScopeMetrics {
		scope, err := scopeMetrics(&all.ScopeMetrics[i])
		if err != nil {
			return nil, err
		}
		of.message(2, scope)
	}
	of.text(3, all.Resource.SchemaURL())
	request.message(1, of)
	return request, nil
}

func scopeMetrics(s *metricdata.ScopeMetrics) (m message, err error) {
	var scope message
	scope.text(1, s.Scope.Name)
	scope.text(2, s.Scope.Version)
	for _, kv := range s.Scope.Attributes.ToSlice() {
		scope.message(3, attributeOf(kv))
	}
	m.message(1, scope)
	for i := range s.Metrics {
		metric, err := metricOf(&s.Metrics[i])
		if err != nil {
			return nil, err
		}
		m.message(2, metric)
	}
	m.text(3, s.Scope.SchemaURL)
	return m, nil
}

func metricOf(d *metricdata.Metrics) (m message, err error) {
	m.text(1, d.Name)
	m.text(2, d.Description)
	m.text(3, d.Unit)
	switch data := d.Data.(type) {
	case metricdata.Gauge[int64]:
		m.message(5, points(data.DataPoints))
	case metricdata.Sum[int64]:
		sum := points(data.DataPoints)
		sum.varint(2, temporality(data.Temporality))
		sum.varint(3, protowire.EncodeBool(data.IsMonotonic))
		m.message(7, sum)
	case metricdata.Histogram[float64]:
		m.message(9, histogram(data))
	default:
		return nil, fmt.Errorf("%s: a %T cannot be sent", d.Name, data)
	}
	return m, nil
}

// points are those of a gauge or a sum.
func points(all []metricdata.DataPoint[int64]) (m message) {
	for _, p := range all {
		var point message
		for _, kv := range p.Attributes.ToSlice() {
			point.message(7, attributeOf(kv))
		}
		point.time(2, p.StartTime)
		point.time(3, p.Time)
		point.fixed(6, uint64(p.Value)) //nolint:gosec // two's complement, as the field has it
		m.message(1, point)
	}
	return m
}

func histogram(h metricdata.Histogram[float64]) (m message) {
	for _, p := range h.DataPoints {
		var point message
		for _, kv := range p.Attributes.ToSlice() {
			point.message(9, attributeOf(kv))
		}
		point.time(2, p.StartTime)
		point.time(3, p.Time)
		point.fixed(4, p.Count)
		point.fixed(5, math.Float64bits(p.Sum))
		point.packed(6, p.BucketCounts)
		bounds := make([]uint64, len(p.Bounds))
		for i, b := range p.Bounds {
			bounds[i] = math.Float64bits(b)
		}
		point.packed(7, bounds)
		if least, ok := p.Min.Value(); ok {
			point.fixed(11, math.Float64bits(least))
		}
		if most, ok := p.Max.Value(); ok {
			point.fixed(12, math.Float64bits(most))
		}
		m.message(1, point)
	}
	m.varint(2, temporality(h.Temporality))
	return m
}

func temporality(t metricdata.Temporality) uint64 {
	if t == metricdata.DeltaTemporality {
		return 1
	}
	return 2
}

// attributeOf returns a name and a value, as text if it is of a kind that no attribute of this module is.
func attributeOf(kv attribute.KeyValue) (m message) {
	var value message
	switch kv.Value.Type() {
	case attribute.BOOL:
		value = protowire.AppendVarint(protowire.AppendTag(value, 2, protowire.VarintType), protowire.EncodeBool(kv.Value.AsBool()))
	case attribute.INT64:
		value = protowire.AppendVarint(protowire.AppendTag(value, 3, protowire.VarintType), uint64(kv.Value.AsInt64())) //nolint:gosec // two's complement
	case attribute.FLOAT64:
		value.fixed(4, math.Float64bits(kv.Value.AsFloat64()))
	default:
		value = protowire.AppendString(protowire.AppendTag(value, 1, protowire.BytesType), kv.Value.Emit())
	}
	m.text(1, string(kv.Key))
	m.message(2, value)
	return m
}
