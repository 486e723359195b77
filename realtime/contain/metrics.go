package contain

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// MetricsOf returns Metrics that do nothing where inner panics, which is reported once a minute.
func MetricsOf(inner realtime.Metrics, log *slog.Logger) realtime.Metrics {
	return &metrics{inner: inner, log: log}
}

type metrics struct {
	inner realtime.Metrics
	log   *slog.Logger
	told  atomic.Int64 // when, in seconds since 1970
}

func (m *metrics) contain() {
	fault := recover()
	if fault == nil {
		return
	}
	now, told := time.Now().Unix(), m.told.Load()
	if now-told >= 60 && m.told.CompareAndSwap(told, now) {
		Report(m.log, m.inner, Metrics, fault, nil)
	}
}

func (m *metrics) Add(c realtime.Counter, tenant string, reason realtime.Reason, n int) {
	defer m.contain()
	m.inner.Add(c, tenant, reason, n)
}

func (m *metrics) Level(g realtime.Gauge, tenant string, value int) {
	defer m.contain()
	m.inner.Level(g, tenant, value)
}

func (m *metrics) Took(t realtime.Timing, tenant string, d time.Duration) {
	defer m.contain()
	m.inner.Took(t, tenant, d)
}
