package telemetry_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

// collected is what a reader has of each metric: the value, or the count of a histogram, by its attributes.
func collected(t testing.TB, r *metric.ManualReader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			put := func(set attribute.Set, n int64) {
				name := m.Name
				for _, a := range set.ToSlice() {
					name += " " + string(a.Key) + "=" + a.Value.String()
				}
				got[name] = n
			}
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				if !d.IsMonotonic || d.Temporality != metricdata.CumulativeTemporality {
					t.Errorf("%s is no cumulative counter", m.Name)
				}
				for _, p := range d.DataPoints {
					put(p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					put(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					put(p.Attributes, int64(p.Count))
				}
			default:
				t.Errorf("%s is %T", m.Name, d)
			}
		}
	}
	return got
}

func newMetrics(t testing.TB, shown int) (*telemetry.Metrics, *metric.ManualReader) {
	t.Helper()
	r := metric.NewManualReader()
	p := metric.NewMeterProvider(metric.WithReader(r), metric.WithCardinalityLimit(0))
	m, err := telemetry.NewMetrics(p, shown)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m, r
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, 0)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			m.Add(realtime.CountDrops, "acme", "too-slow", 2)
			m.Took(realtime.TimingAnswer, "acme", 20*time.Millisecond)
		})
	}
	all.Wait()
	m.Add(realtime.CountFollows, "", "first", 1)
	m.Level(realtime.GaugeTopics, "", 7)
	m.Level(realtime.GaugeConnections, "acme", 3)
	m.Level(realtime.GaugeConnections, "acme", 0)
	m.Add("of somebody else", "acme", "", 1)
	want := map[string]int64{
		"tidewire.drops reason=too-slow tenant=acme": 16, "tidewire.answer.duration tenant=acme": 8,
		"tidewire.follows reason=first": 1, "tidewire.topics": 7, "tidewire.connections tenant=acme": 0,
	}
	if diff := cmp.Diff(want, collected(t, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nobody is shown by name where that is asked for.
func TestNoTenantIsShown(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, -1)
	m.Add(realtime.CountConnects, "acme", "socket", 1)
	m.Add(realtime.CountConnects, "globex", "socket", 1)
	if diff := cmp.Diff(map[string]int64{"tidewire.connects reason=socket tenant=other": 2}, collected(t, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The first tenants are shown by name, and all others as one.
func TestTenantsAreBounded(t *testing.T) {
	t.Parallel()
	m, r := newMetrics(t, 2)
	for i := range 1000 {
		tenant := fmt.Sprint("t", i)
		m.Add(realtime.CountConnects, tenant, "socket", 1)
		m.Level(realtime.GaugeConnections, tenant, 5)
		m.Took(realtime.TimingDelivery, tenant, time.Millisecond)
	}
	want := map[string]int64{}
	for name, n := range map[string]int64{"t0": 1, "t1": 1, "other": 998} {
		want["tidewire.connects reason=socket tenant="+name] = n
		want["tidewire.connections tenant="+name] = 5 * n
		want["tidewire.delivery.duration tenant="+name] = n
	}
	if diff := cmp.Diff(want, collected(t, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range 1000 {
		m.Level(realtime.GaugeConnections, fmt.Sprint("t", i), 0)
	}
	for range 2 {
		for name, n := range collected(t, r) {
			if strings.HasPrefix(name, "tidewire.connections") && n != 0 {
				t.Errorf("%s is %d after all have gone", name, n)
			}
		}
	}
}

// Names and units are as OpenTelemetry wants them, and as Google Cloud takes them.
func TestInstruments(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, i := range telemetry.Instruments() {
		for _, r := range strings.TrimPrefix(i.Name, telemetry.Prefix) {
			if (r < 'a' || r > 'z') && r != '.' {
				t.Errorf("%s: %q", i.Name, r)
			}
		}
		if !strings.HasPrefix(i.Name, telemetry.Prefix) || strings.HasSuffix(i.Name, "_total") || seen[i.Name] || i.Unit == "" || i.Description == "" {
			t.Errorf("%+v", i)
		}
		seen[i.Name] = true
	}
	if len(seen) < 20 {
		t.Errorf("there are only %d", len(seen))
	}
}

// To count allocates nothing.
func BenchmarkMetrics(b *testing.B) {
	m, _ := newMetrics(b, 0)
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Add(realtime.CountDeliveries, "acme", "", 100)
		}
	})
	b.Run("took", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Took(realtime.TimingDelivery, "acme", 20*time.Millisecond)
		}
	})
	b.Run("level", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Level(realtime.GaugeConnections, "acme", 7)
		}
	})
}
