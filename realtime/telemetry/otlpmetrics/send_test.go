package otlpmetrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/tidewire/tidewire/realtime/telemetry"
)

// What a collector answers, or something in front of it. How metrics are encoded a test in the module verify compares with what
// OpenTelemetry's exporter sends.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter)
		want   string
		passes bool
	}{
		{"taken", func(w http.ResponseWriter) {
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = w.Write(make([]byte, 5))
			w.Header().Set("Grpc-Status", "0")
		}, "", false},
		{"refused at once", func(w http.ResponseWriter) {
			w.Header().Set("Grpc-Status", "7")
			w.Header().Set("Grpc-Message", "no%20rights")
		}, "grpc status 7: no rights", false},
		{"later", func(w http.ResponseWriter) { w.Header().Set("Grpc-Status", "14") }, "grpc status 14: ", true},
		{"a proxy in front", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, "grpc status 14: 502 Bad Gateway", true},
		{"no collector", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "grpc status 2: no status of gRPC: 404 Not Found", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 || r.URL.Path != method || r.Header.Get("Content-Type") != "application/grpc" {
					t.Errorf("%s %s, %q", r.Proto, r.URL, r.Header)
				}
				tt.answer(w)
			}))
			server.Config.Protocols = &http.Protocols{}
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Start()
			defer server.Close()
			made, err := Export(t.Context(), telemetry.Target{Address: strings.TrimPrefix(server.URL, "http://")})
			if err != nil {
				t.Fatal(err)
			}
			e := made.Metrics.(*exporter) //nolint:forcetypeassert // it is one
			defer e.http.CloseIdleConnections()
			err = e.try(t.Context(), nil)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || err != nil && passes(err) != tt.passes {
				t.Errorf("got %q, passes %t; want %q, %t", got, passes(err), tt.want, tt.passes)
			}
		})
	}
}

// What cannot be encoded is not sent without a word.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	all := &metricdata.ResourceMetrics{ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: []metricdata.Metrics{{Name: "m", Data: metricdata.Summary{}}}}}}
	if _, err := encode(all); err == nil || !strings.Contains(err.Error(), "m: a metricdata.Summary cannot be sent") {
		t.Error(err)
	}
}
