// Package viewfilter gives a gateway the filters of package filter: gateway.Options.Filters. A program without it links no
// compiler, and refuses filters.
package viewfilter

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/filter"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Compiler compiles filters. It is safe for concurrent use.
type Compiler struct{ inner *filter.Compiler }

var (
	_ view.Compiler  = (*Compiler)(nil)
	_ view.Explainer = program{}
)

// New returns a Compiler.
func New() (*Compiler, error) {
	c, err := filter.New()
	if err != nil {
		return nil, err
	}
	return &Compiler{c}, nil
}

// Compile compiles a filter for a viewer. An error is a *filter.Error, which says where.
func (c *Compiler) Compile(source string, v view.Viewer) (view.Filter, error) {
	p, err := c.inner.Compile(source, filter.Environment{User: v.User, Groups: v.Groups, Filterable: v.Data, Templates: v.Own})
	if err != nil {
		return nil, err
	}
	return program{p}, nil
}

// program is a view.Filter, and view.Equal.
type program struct{ inner *filter.Program }

// memo is the Input of a publication that several filters are asked about.
type memo struct {
	filter.Input
	filled bool
}

// Forget keeps nothing of the publication.
func (m *memo) Forget() {
	m.Reset(filter.Attributes{})
	m.filled = false
}

func (p program) Match(e *realtime.Publication, m *view.Memo) bool {
	return p.inner.Match(inputOf(e, m))
}

// Why says which part of the filter is false.
func (p program) Why(e *realtime.Publication, m *view.Memo) string {
	reason, no := p.inner.Explain(inputOf(e, m))
	if !no {
		return ""
	}
	return reason.String()
}

// inputOf is a publication as programs see it.
func inputOf(e *realtime.Publication, m *view.Memo) *filter.Input {
	in, ok := m.Kept.(*memo)
	if !ok {
		in = &memo{}
		m.Kept = in
	}
	if !in.filled {
		in.Reset(filter.Attributes{Key: e.Key, EventType: e.EventType, Source: e.Source, ContentType: e.ContentType, Tags: filter.TagMap(e.Tags), Data: e.Data})
		in.filled = true
	}
	return &in.Input
}

func (p program) ID() string { return p.inner.Source() }

func (p program) Equalities() (all []view.Equality) {
	for _, e := range p.inner.Equalities() {
		all = append(all, view.Equality(e))
	}
	return all
}
