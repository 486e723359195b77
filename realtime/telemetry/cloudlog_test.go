package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

const (
	traceID = "105445aa7843bc8bf206b12000100000"
	spanID  = "00f067aa0ba902b7"
)

// line runs log with a logger for a project, and returns the one line it wrote.
func line(ctx context.Context, t *testing.T, o telemetry.CloudLogOptions, log func(context.Context, *slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	log(ctx, slog.New(telemetry.NewCloudLog(&out, o)))
	got := map[string]any{}
	if out.Len() == 0 {
		return got
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("%v in %q", err, &out)
	}
	return got
}

// request is the context of a request with headers, as a handler behind Traced has it.
func request(headers ...string) (ctx context.Context) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	telemetry.Traced(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	return ctx
}

func TestCloudLog(t *testing.T) {
	t.Parallel()
	project := telemetry.CloudLogOptions{Project: "p1"}
	traced := request("traceparent", "00-"+traceID+"-"+spanID+"-01")
	withTrace := func(m map[string]any) map[string]any {
		m["logging.googleapis.com/trace"] = "projects/p1/traces/" + traceID
		m["logging.googleapis.com/spanId"] = spanID
		m["logging.googleapis.com/trace_sampled"] = true
		return m
	}
	tests := []struct {
		name string
		ctx  context.Context
		o    telemetry.CloudLogOptions
		log  func(context.Context, *slog.Logger)
		want map[string]any // without time
	}{
		{"plain", t.Context(), project, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "hello", realtime.KeyTenant, "acme", realtime.KeyCount, 3)
		}, map[string]any{"severity": "INFO", "message": "hello", "tenant": "acme", "count": 3.0}},
		{"debug is not written", t.Context(), project, func(ctx context.Context, l *slog.Logger) {
			l.DebugContext(ctx, "hello")
		}, map[string]any{}},
		{"unless asked for", t.Context(), telemetry.CloudLogOptions{Level: slog.LevelDebug}, func(ctx context.Context, l *slog.Logger) {
			l.DebugContext(ctx, "hello")
		}, map[string]any{"severity": "DEBUG", "message": "hello"}},
		{"warning", t.Context(), project, func(ctx context.Context, l *slog.Logger) {
			l.WarnContext(ctx, "careful", realtime.KeyError, errors.New("no"))
		}, map[string]any{"severity": "WARNING", "message": "careful", "error": "no"}},
		{"critical", t.Context(), telemetry.CloudLogOptions{}, func(ctx context.Context, l *slog.Logger) {
			l.Handler().Handle(ctx, slog.NewRecord(time.Now(), slog.LevelError+4, "over", 0)) //nolint:errcheck // a buffer takes all
		}, map[string]any{"severity": "CRITICAL", "message": "over"}},
		{"trace", traced, project, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "hello")
		}, withTrace(map[string]any{"severity": "INFO", "message": "hello"})},
		{"a trace without a project", traced, telemetry.CloudLogOptions{}, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "hello")
		}, map[string]any{"severity": "INFO", "message": "hello"}},
		{"groups hold no trace", traced, project, func(ctx context.Context, l *slog.Logger) {
			l.With(realtime.KeyInstance, "i1").WithGroup("outer").With(realtime.KeyTenant, "acme").WithGroup("").WithGroup("inner").InfoContext(ctx, "hello", realtime.KeyUser, "ann")
		}, withTrace(map[string]any{
			"severity": "INFO", "message": "hello", "instance": "i1",
			"outer": map[string]any{"tenant": "acme", "inner": map[string]any{"user": "ann"}},
		})},
		{"a key shows nothing of itself", t.Context(), project, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "hello", realtime.KeyReason, realtime.Key{KID: "k1", Alg: "HS256", Secret: "secret"})
		}, map[string]any{"severity": "INFO", "message": "hello", "reason": `key "k1" (HS256)`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := line(tt.ctx, t, tt.o, tt.log)
			if len(tt.want) > 0 {
				at, err := time.Parse(time.RFC3339Nano, got["time"].(string))
				if err != nil || time.Since(at) > time.Minute {
					t.Errorf("time: %v, %v", got["time"], err)
				}
			}
			delete(got, "time")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCloudLogSaysWhereAnErrorWasFound(t *testing.T) {
	t.Parallel()
	got := line(t.Context(), t, telemetry.CloudLogOptions{}, func(ctx context.Context, l *slog.Logger) {
		l.WithGroup("deep").ErrorContext(ctx, "broken", realtime.KeyError, errors.New("no"))
	})
	at, ok := got["logging.googleapis.com/sourceLocation"].(map[string]any)
	if !ok {
		t.Fatalf("it has no place: %v", got)
	}
	number, isText := at["line"].(string)
	if file, _ := at["file"].(string); !strings.HasSuffix(file, "cloudlog_test.go") || !isText || number == "0" {
		t.Errorf("the place is %v", at)
	}
	if f, _ := at["function"].(string); !strings.Contains(f, "TestCloudLogSaysWhere") {
		t.Errorf("the function is %q", f)
	}
	if diff := cmp.Diff(map[string]any{"error": "no"}, got["deep"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTraced(t *testing.T) {
	t.Parallel()
	const parent = "traceparent"
	tests := []struct {
		name    string
		headers []string
		traced  bool
		sampled bool
	}{
		{"none", nil, false, false},
		{"sampled", []string{parent, "00-" + traceID + "-" + spanID + "-01"}, true, true},
		{"not sampled", []string{parent, "00-" + traceID + "-" + spanID + "-00"}, true, false},
		{"a later version", []string{parent, "cc-" + traceID + "-" + spanID + "-01-more"}, true, true},
		{"version 0 has no more", []string{parent, "00-" + traceID + "-" + spanID + "-01-more"}, false, false},
		{"no version", []string{parent, "ff-" + traceID + "-" + spanID + "-01"}, false, false},
		{"zeros", []string{parent, "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01"}, false, false},
		{"a short span", []string{parent, "00-" + traceID + "-" + spanID[1:] + "-01"}, false, false},
		{"not one", []string{parent, "../../etc/passwd"}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := line(request(tt.headers...), t, telemetry.CloudLogOptions{Project: "p1"}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "hello") })
			want := map[string]any{"severity": "INFO", "message": "hello"}
			if tt.traced {
				want["logging.googleapis.com/trace"] = "projects/p1/traces/" + traceID
				want["logging.googleapis.com/spanId"] = spanID
				want["logging.googleapis.com/trace_sampled"] = tt.sampled
			}
			delete(got, "time")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func ExampleNewCloudLog() {
	l := slog.New(telemetry.NewCloudLog(os.Stdout, telemetry.CloudLogOptions{}))
	r := slog.NewRecord(time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC), slog.LevelWarn, "a client was refused", 0)
	r.Add(realtime.KeyTenant, "acme")
	l.Handler().Handle(context.Background(), r) //nolint:errcheck // as slog.Logger does
	// Output: {"time":"2026-11-25T09:30:00Z","severity":"WARNING","message":"a client was refused","tenant":"acme"}
}
