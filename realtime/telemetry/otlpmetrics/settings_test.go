package otlpmetrics

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func settingsOf(vars map[string]string) settings {
	return readSettings(func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	})
}

func TestReadSettings(t *testing.T) {
	t.Parallel()
	none := settingsOf(nil)
	if none.timeout != 10*time.Second || none.gzip || len(none.headers) != 0 || none.temporality(metric.InstrumentKindCounter) != metricdata.CumulativeTemporality {
		t.Errorf("without variables: %+v", none)
	}
	s := settingsOf(map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, x=1,bad,=none,y=%zz", "OTEL_EXPORTER_OTLP_TIMEOUT": "2000",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "gzip", // the one for metrics counts
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "Delta",
	})
	if diff := cmp.Diff(http.Header{"Api-Key": {"a b"}, "X": {"1"}}, s.headers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.timeout != 2*time.Second || !s.gzip || s.temporality(metric.InstrumentKindCounter) != metricdata.DeltaTemporality {
		t.Errorf("got %+v", s)
	}
	low := settingsOf(map[string]string{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "lowmemory"})
	if low.temporality(metric.InstrumentKindCounter) != metricdata.DeltaTemporality || low.temporality(metric.InstrumentKindObservableCounter) != metricdata.CumulativeTemporality {
		t.Error("lowmemory is not")
	}
}

// What is set is sent.
func TestSettingsAreSent(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("metrics"), 100)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) < 5 || body[0] != 1 || r.Header.Get("Grpc-Encoding") != "gzip" || r.Header.Get("Api-Key") != "secret" {
			t.Errorf("%v, %d bytes, %q", err, len(body), r.Header)
			return
		}
		z, err := gzip.NewReader(bytes.NewReader(body[5:]))
		if err != nil {
			t.Error(err)
			return
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q, %v", got, err)
		}
		w.Header().Set("Grpc-Status", "0")
	}))
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	server.Config.Protocols = protocols
	server.Start()
	defer server.Close()
	e := &exporter{
		settings: settingsOf(map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
		url:      server.URL + method, http: &http.Client{Transport: &http.Transport{Protocols: protocols}},
	}
	defer e.http.CloseIdleConnections()
	if err := e.try(t.Context(), want); err != nil {
		t.Error(err)
	}
}
