package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

// traced is telemetry whose spans are kept.
func traced(t *testing.T, o telemetry.Options) (*telemetry.Telemetry, *tracetest.SpanRecorder) {
	t.Helper()
	r := tracetest.NewSpanRecorder()
	o.Spans = r
	tel, err := telemetry.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tel, r
}

func pubs(t *testing.T) []realtime.Publication {
	t.Helper()
	c, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		t.Fatal(err)
	}
	return []realtime.Publication{{Channel: c, ID: "q1"}}
}

// sampled is the context of a request of a trace that is sampled, or not.
func sampled(is bool) context.Context {
	flags := "00"
	if is {
		flags = "01"
	}
	return request("traceparent", "00-"+traceID+"-"+spanID+"-"+flags)
}

func TestTracerFollows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		ctx    context.Context
		share  float64
		follow bool
	}{
		{"what is sampled", sampled(true), 0, true},
		{"not what is not", sampled(false), 1, false},
		{"nothing that is in no trace", t.Context(), 0, false},
		{"unless it is told to", t.Context(), 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tel, spans := traced(t, telemetry.Options{Share: tt.share})
			from, ended := tel.Tracer.Publishing(tt.ctx, "acme", pubs(t))
			if follow := from != ""; follow != tt.follow || follow != (ended != nil) {
				t.Fatalf("it goes on with %q", from)
			}
			if ended != nil {
				ended(nil)
			}
			if n := len(spans.Ended()); n > 0 != tt.follow {
				t.Errorf("%d spans", n)
			}
		})
	}
}

// A publication's spans are of one trace, each within the one before, and the times are those that were told.
func TestTracerSpans(t *testing.T) {
	t.Parallel()
	tel, recorder := traced(t, telemetry.Options{})
	from, ended := tel.Tracer.Publishing(sampled(true), "acme", pubs(t))
	ended(realtime.Errorf(realtime.CodeUnavailable, "the secret reason"))
	at := time.UnixMilli(1_700_000_000_000)
	p := pubs(t)[0]
	tel.Tracer.Delivered(from, realtime.Delivered{
		Channel: p.Channel, ID: p.ID, Published: at, Received: at.Add(20 * time.Millisecond), Queued: at.Add(21 * time.Millisecond), Written: at.Add(23 * time.Millisecond),
		Readers: 3, Behind: 1,
	})
	tel.Tracer.Delivered("somebody else's", realtime.Delivered{Channel: p.Channel})
	type span struct {
		Name, Status string
		Kind         trace.SpanKind
		Took         time.Duration
	}
	var got []span
	parents := map[string]string{}
	names := map[trace.SpanID]string{}
	for _, s := range recorder.Ended() {
		names[s.SpanContext().SpanID()] = s.Name()
	}
	for _, s := range recorder.Ended() {
		if s.SpanContext().TraceID().String() != traceID {
			t.Errorf("%s is of trace %s", s.Name(), s.SpanContext().TraceID())
		}
		parents[s.Name()] = names[s.Parent().SpanID()]
		g := span{Name: s.Name(), Kind: s.SpanKind(), Status: s.Status().Description}
		if s.Name() != "publish prices" {
			g.Took = s.EndTime().Sub(s.StartTime())
		}
		got = append(got, g)
	}
	want := []span{
		{"publish prices", "unavailable", trace.SpanKindProducer, 0},
		{"write prices", "", trace.SpanKindInternal, 2 * time.Millisecond},
		{"deliver prices", "", trace.SpanKindConsumer, 3 * time.Millisecond},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"publish prices": "", "deliver prices": "publish prices", "write prices": "deliver prices"}, parents); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
}

// Whoever says of every request that it is sampled has few of them recorded.
func TestForeignTracesAreFew(t *testing.T) {
	t.Parallel()
	tel, spans := traced(t, telemetry.Options{ForeignPerSecond: 3})
	for range 1000 {
		if _, ended := tel.Tracer.Publishing(sampled(true), "acme", pubs(t)); ended != nil {
			ended(errors.New("not stored"))
		}
	}
	if n := len(spans.Ended()); n < 3 || n > 100 {
		t.Errorf("%d of 1000 were recorded", n)
	}
}
