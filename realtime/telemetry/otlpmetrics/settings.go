package otlpmetrics

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// settings are what OpenTelemetry's own variables say (https://opentelemetry.io/docs/specs/otel/protocol/exporter/), as far as they say
// something of metrics whose target is known. Export reads them from the process's environment, as OpenTelemetry's exporters do.
type settings struct {
	headers     http.Header
	timeout     time.Duration // of one attempt
	gzip        bool
	temporality metric.TemporalitySelector
}

func readSettings(lookup func(string) (string, bool)) settings {
	s := settings{headers: http.Header{}, timeout: sendTime, temporality: metric.DefaultTemporalitySelector}
	get := func(name string) string {
		if value, ok := lookup("OTEL_EXPORTER_OTLP_METRICS_" + name); ok && value != "" {
			return value
		}
		value, _ := lookup("OTEL_EXPORTER_OTLP_" + name)
		return value
	}
	for pair := range strings.SplitSeq(get("HEADERS"), ",") {
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); ok && name != "" && err == nil {
			s.headers.Set(name, value)
		}
	}
	if ms, err := strconv.Atoi(get("TIMEOUT")); err == nil && ms > 0 {
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	s.gzip = get("COMPRESSION") == "gzip"
	preference, _ := lookup("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")
	switch strings.ToLower(preference) {
	case "delta":
		s.temporality = metric.DeltaTemporalitySelector
	case "lowmemory":
		s.temporality = metric.LowMemoryTemporalitySelector
	}
	return s
}

// Temporality is cumulative unless the settings say otherwise, which is what Google Cloud takes: counters count from the start of the process.
func (e *exporter) Temporality(k metric.InstrumentKind) metricdata.Temporality {
	return e.settings.temporality(k)
}
