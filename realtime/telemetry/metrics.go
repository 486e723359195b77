package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/tidewire/tidewire/realtime"
)

// scope is the name of Tidewire's instrumentation.
const scope = "github.com/tidewire/tidewire"

// Metrics is a realtime.Metrics on OpenTelemetry. Counters and levels are kept here and read when somebody
// collects, so that to count costs a look-up and an addition. What is not among Instruments is forgotten. It is safe for
// concurrent use.
type Metrics struct {
	tenants  *tenants
	counters map[realtime.Counter]*counts
	levels   *levels
	timings  map[realtime.Timing]*timing
}

// NewMetrics returns metrics of a provider that show at most so many tenants by name; 0 is DefaultTenants, and below 0 none.
func NewMetrics(p metric.MeterProvider, shownTenants int) (*Metrics, error) {
	if shownTenants == 0 {
		shownTenants = DefaultTenants
	}
	m := &Metrics{
		tenants:  &tenants{most: shownTenants, shown: map[string]struct{}{}},
		counters: map[realtime.Counter]*counts{}, timings: map[realtime.Timing]*timing{},
		levels: &levels{values: map[levelKey]int64{}, options: map[string]metric.ObserveOption{}},
	}
	meter := p.Meter(scope)
	var errs []error
	for _, d := range counters {
		c := &counts{cells: map[labels]*cell{}}
		m.counters[d.name] = c
		_, err := meter.Int64ObservableCounter(Prefix+string(d.name), metric.WithUnit(d.unit), metric.WithDescription(d.description), metric.WithInt64Callback(c.observe))
		errs = append(errs, err)
	}
	for _, d := range gauges {
		_, err := meter.Int64ObservableGauge(Prefix+string(d.name), metric.WithUnit(d.unit), metric.WithDescription(d.description),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				m.levels.observe(d.name, m.tenants, o)
				return nil
			}))
		errs = append(errs, err)
	}
	for _, d := range timings {
		h, err := meter.Float64Histogram(Prefix+string(d.name), metric.WithUnit(d.unit), metric.WithDescription(d.description), metric.WithExplicitBucketBoundaries(buckets...))
		errs = append(errs, err)
		m.timings[d.name] = &timing{histogram: h, options: map[string][]metric.RecordOption{}}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("make metrics: %w", err)
	}
	return m, nil
}

// Add counts n events.
func (m *Metrics) Add(c realtime.Counter, tenant string, reason realtime.Reason, n int) {
	if counts := m.counters[c]; counts != nil {
		counts.cell(labels{m.tenants.label(tenant), string(reason)}).n.Add(int64(n))
	}
}

// Level sets a gauge. The levels of tenants that are not shown by name add up.
func (m *Metrics) Level(g realtime.Gauge, tenant string, value int) {
	m.levels.set(levelKey{g, tenant}, int64(value))
}

// Took records a duration.
func (m *Metrics) Took(t realtime.Timing, tenant string, d time.Duration) {
	if timing := m.timings[t]; timing != nil {
		timing.record(m.tenants.label(tenant), d)
	}
}

type labels struct{ tenant, reason string }

func (l labels) set() attribute.Set {
	all := make([]attribute.KeyValue, 0, 2)
	if l.tenant != "" {
		all = append(all, attribute.String(AttributeTenant, l.tenant))
	}
	if l.reason != "" {
		all = append(all, attribute.String(AttributeReason, l.reason))
	}
	return attribute.NewSet(all...)
}

// counts is one counter.
type counts struct {
	mu    sync.RWMutex // guards cells, not what is in them
	cells map[labels]*cell
}

type cell struct {
	n    atomic.Int64
	with metric.ObserveOption
}

func (c *counts) cell(l labels) *cell {
	c.mu.RLock()
	have := c.cells[l]
	c.mu.RUnlock()
	if have != nil {
		return have
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cells[l] == nil {
		c.cells[l] = &cell{with: metric.WithAttributeSet(l.set())}
	}
	return c.cells[l]
}

func (c *counts) observe(_ context.Context, o metric.Int64Observer) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, cell := range c.cells {
		o.Observe(cell.n.Load(), cell.with)
	}
	return nil
}

// levels are all gauges.
type levels struct {
	mu      sync.Mutex // guards both
	values  map[levelKey]int64
	options map[string]metric.ObserveOption // by the name that is shown
}

type levelKey struct {
	gauge  realtime.Gauge
	tenant string // also of those that are not shown
}

func (l *levels) set(k levelKey, value int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values[k] = value
}

// observe tells the levels of one gauge.
func (l *levels) observe(g realtime.Gauge, t *tenants, o metric.Int64Observer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sums := map[string]int64{}
	for k, value := range l.values {
		if k.gauge != g {
			continue
		}
		shown := t.label(k.tenant)
		sums[shown] += value
		if value == 0 && shown == OtherTenants {
			delete(l.values, k) // whose number is not bounded
		}
	}
	for name, sum := range sums {
		with, ok := l.options[name]
		if !ok {
			with = metric.WithAttributeSet(labels{tenant: name}.set())
			l.options[name] = with
		}
		o.Observe(sum, with)
	}
}

// timing is one histogram.
type timing struct {
	histogram metric.Float64Histogram

	mu      sync.RWMutex                     // guards options
	options map[string][]metric.RecordOption // by tenant, ready to be passed on
}

func (t *timing) record(tenant string, d time.Duration) {
	t.mu.RLock()
	with, ok := t.options[tenant]
	t.mu.RUnlock()
	if !ok {
		t.mu.Lock()
		with = []metric.RecordOption{metric.WithAttributeSet(labels{tenant: tenant}.set())}
		t.options[tenant] = with
		t.mu.Unlock()
	}
	t.histogram.Record(context.Background(), d.Seconds(), with...)
}
