package cloudruntest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

func TestCloudLogging(t *testing.T) {
	t.Parallel()
	const good = `{"severity":"INFO","message":"hello","time":"2026-11-25T09:30:00Z"`
	for _, tt := range []struct{ name, line, wrong string }{
		{"the least", good + `}`, ""},
		{
			"all", good + `,"tenant":"acme","logging.googleapis.com/trace":"projects/p1/traces/105445aa7843bc8bf206b12000100000","logging.googleapis.com/spanId":"00f067aa0ba902b7",` +
				`"logging.googleapis.com/trace_sampled":true,"logging.googleapis.com/sourceLocation":{"file":"a.go","line":"7","function":"f"}}`, "",
		},
		{"slog's level", `{"severity":"WARN","message":"hello","time":"2026-11-25T09:30:00Z"}`, "severity"},
		{"none", `{"level":"INFO","msg":"hello"}`, "severity"},
		{"no time", `{"severity":"INFO","message":"hello","time":"today"}`, "time"},
		{"a bare trace", good + `,"logging.googleapis.com/trace":"105445aa7843bc8bf206b12000100000"}`, "trace"},
		{"a decimal span", good + `,"logging.googleapis.com/spanId":"67667974448284343"}`, "spanId"},
		{"a number of a line", good + `,"logging.googleapis.com/sourceLocation":{"file":"a.go","line":7,"function":"f"}}`, "sourceLocation"},
		{"something else of its names", good + `,"httpRequest":"GET /"}`, "httpRequest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var line map[string]any
			if err := json.Unmarshal([]byte(tt.line), &line); err != nil {
				t.Fatal(err)
			}
			err := cloudruntest.CloudLogging(line)
			if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("%v", err)
			}
		})
	}
}
