// Package viewfilter gives a gateway the filters of package filter: gateway.Options.Filters. A program without it links no
// compiler, and refuses filters.
package viewfilter

import (
	"sync"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/filter"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Compiler compiles filters. It is safe for concurrent use.
type Compiler struct{ inner *filter.Compiler }

var _ view.Compiler = (*Compiler)(nil)

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

// inputs are used again. A filter is asked about one publication at a time.
var inputs = sync.Pool{New: func() any { return &filter.Input{} }}

func (p program) Match(e *realtime.Publication) bool {
	in := inputs.Get().(*filter.Input)
	in.Reset(filter.Attributes{Key: e.Key, EventType: e.EventType, Source: e.Source, ContentType: e.ContentType, Tags: filter.TagMap(e.Tags), Data: e.Data})
	matches := p.inner.Match(in)
	in.Reset(filter.Attributes{}) // it keeps nothing of the publication
	inputs.Put(in)
	return matches
}

func (p program) ID() string { return p.inner.Source() }

func (p program) Equality() (name, value string, ok bool) { return p.inner.Equality() }
