package telemetry

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// family makes a collector for each name at its first use.
type family[N ~string, C prometheus.Collector] struct {
	registry *prometheus.Registry
	make     func(N) C
	made     sync.Map // N to C

	mu sync.Mutex // held while one is made
}

func newFamily[N ~string, C prometheus.Collector](r *prometheus.Registry, make func(N) C) *family[N, C] {
	return &family[N, C]{registry: r, make: make}
}

func (f *family[N, C]) get(name N) C {
	if c, ok := f.made.Load(name); ok {
		return c.(C)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.made.Load(name); ok {
		return c.(C)
	}
	c := f.make(name)
	f.registry.MustRegister(c)
	f.made.Store(name, c)
	return c
}
