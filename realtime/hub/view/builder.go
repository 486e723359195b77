package view

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

// Rules say what a reader is to be shown.
type Rules struct {
	Viewer Viewer
	// Enforced are filters that the client is not told of, by its tenant and its token: what is shown passes one of each list.
	Enforced [][]string
	// Columns are lists of members of data that are shown: a member must be in each. Without any all are shown.
	Columns [][]string
	// Fields are the members of data that the client asks for; nil is all.
	Fields []string
	// Keys are those that the client asks for, each a name or the beginning of one and "*"; nil is all.
	Keys []string
	// Filter is what the client asks for besides; empty is everything.
	Filter string
}

// RulesOf returns what is enforced for a viewer of a channel.
func RulesOf(p *realtime.Principal, c realtime.Channel, n *realtime.Namespace) Rules {
	r := Rules{Viewer: Viewer{User: p.User, Groups: p.Groups, Data: n.Filterable}}
	if kind, _ := c.Reserved(); kind != "" {
		return r // what it shows is of the server's making, and no event of a producer's
	}
	if n.Enforce != "" {
		r.Enforced = append(r.Enforced, []string{n.Enforce})
	}
	r.Enforced = append(r.Enforced, p.FiltersOf(c)...)
	if len(n.Columns) > 0 {
		r.Columns = append(r.Columns, n.Columns)
	}
	r.Columns = append(r.Columns, p.ColumnsOf(c)...)
	return r
}

// asking is the Viewer for whom the client's own filter is compiled: it may name no member of data that is not shown, for what comes
// through would tell what that is.
func (r *Rules) asking() Viewer {
	v := r.Viewer
	if shown, all := common(r.Columns); !all {
		v.Data = slices.DeleteFunc(slices.Clone(v.Data), func(field string) bool {
			member, _, _ := strings.Cut(strings.TrimPrefix(field, "data."), ".")
			return !slices.Contains(shown, member)
		})
	}
	return v
}

// Builder makes Views. It is safe for concurrent use.
type Builder struct {
	compiler Compiler // nil: nothing can be filtered
	secret   []byte   // of View.Digest

	mu      sync.Mutex // guards all below
	filters map[string]Filter
	columns map[string]*Columns
}

// remembered bounds the filters, and the Columns, that a Builder remembers; then it begins anew.
const remembered = 4096

// NewBuilder returns a Builder. Without a compiler every filter is refused.
func NewBuilder(c Compiler) *Builder {
	return &Builder{compiler: c, secret: []byte(rand.Text()), filters: map[string]Filter{}, columns: map[string]*Columns{}}
}

// Build returns the View of some rules; nil if they show everything. The client's own filter is refused with
// CodeBadRequest, which says why. If something enforced cannot be compiled nothing may be shown, and the error, of
// CodeForbidden, says no more than that; its Err is the reason.
func (b *Builder) Build(r *Rules) (*View, error) {
	v := &View{secret: b.secret}
	enforced := r.Viewer
	enforced.Own = true
	for _, list := range r.Enforced {
		f, err := b.any(list, enforced)
		if err != nil {
			return nil, &realtime.Error{Code: realtime.CodeForbidden, Message: "channel: a rule about what may be shown cannot be applied", Err: err}
		}
		v.filters = append(v.filters, f)
	}
	if r.Filter != "" {
		f, err := b.compile(r.Filter, r.asking())
		if err != nil {
			return nil, err
		}
		v.filters = append(v.filters, f)
	}
	if r.Keys != nil {
		f, err := newKeys(r.Keys)
		if err != nil {
			return nil, err
		}
		v.filters = append(v.filters, f)
	}
	columns := r.Columns
	if r.Fields != nil {
		columns = append(slices.Clone(columns), r.Fields)
	}
	if names, all := common(columns); !all {
		v.columns = b.intern(names)
	}
	if len(v.filters) == 0 && v.columns == nil {
		return nil, nil //nolint:nilnil // it is what shows everything
	}
	slices.SortFunc(v.filters, func(a, b Filter) int { return strings.Compare(a.ID(), b.ID()) })
	ids := make([]string, len(v.filters))
	for i, f := range v.filters {
		ids[i] = f.ID()
	}
	v.id = strings.Join(ids, "\x00and\x00") + v.columns.id()
	return v, nil
}

func (b *Builder) any(list []string, viewer Viewer) (Filter, error) {
	all := make(anyOf, 0, len(list))
	for _, source := range list {
		f, err := b.compile(source, viewer)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// errNoCompiler says that the program has no Compiler.
var errNoCompiler = errors.New("this server serves no filters")

func (b *Builder) compile(source string, viewer Viewer) (Filter, error) {
	if b.compiler == nil {
		return nil, &realtime.Error{Code: realtime.CodeBadRequest, Message: "filter: is not served here; leave it out", Err: errNoCompiler}
	}
	if len(source) > realtime.MaxFilterBytes {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "filter: must be at most %d bytes, got %d", realtime.MaxFilterBytes, len(source))
	}
	if strings.ContainsRune(source, 0) {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "filter: contains a control character")
	}
	key := keyOf(source, viewer)
	b.mu.Lock()
	have, ok := b.filters[key]
	b.mu.Unlock()
	if ok {
		return have, nil
	}
	f, err := b.compiler.Compile(source, viewer)
	if err != nil {
		return nil, &realtime.Error{Code: realtime.CodeBadRequest, Message: "filter: " + err.Error(), Err: err}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.filters) >= remembered {
		clear(b.filters)
	}
	b.filters[key] = f
	return f, nil
}

// keyOf tells apart what may compile to different filters.
func keyOf(source string, v Viewer) string {
	parts := append([]string{source, v.User}, v.Groups...)
	parts = append(append(parts, "\x00data"), v.Data...)
	if v.Own {
		parts = append(parts, "\x00own")
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p)
		b.WriteString("\x00\x00") // neither names nor filters hold it
	}
	return b.String()
}

func (b *Builder) intern(names []string) *Columns {
	key := strings.Join(names, "\x00")
	b.mu.Lock()
	defer b.mu.Unlock()
	if have := b.columns[key]; have != nil {
		return have
	}
	if len(b.columns) >= remembered {
		clear(b.columns) // those in use stay good; who asks for the same shares no encodings with them
	}
	c := newColumns(names)
	b.columns[key] = c
	return c
}
