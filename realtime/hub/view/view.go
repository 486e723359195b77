package view

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// View is what some readers of a channel are shown. It is not changed, and safe for concurrent use as far as its Filters are.
type View struct {
	id      string
	secret  []byte   // of its Builder
	filters []Filter // all of which pass what is shown
	columns *Columns // nil: all
}

// ID tells Views apart: those with the same filters, for the same viewer where they depend on it, and the same columns are
// equal. It holds the text of filters that clients must not see.
func (v *View) ID() string {
	if v == nil {
		return ""
	}
	return v.id
}

// digestBytes is how many bytes of a hash tell Views apart.
const digestBytes = 12

// Digest is what a client is told of the View, to give it back with its Position: it has what it was shown by this View, and can go on only by an
// equal one. It is empty if everything is shown. It says nothing of what the View hides: where there are filters, it is made with a secret of
// the process, since nobody goes on by filters (View.Filtered) on another instance anyway. Columns every reader sees.
func (v *View) Digest() string {
	if v == nil {
		return ""
	}
	h := sha256.New()
	if v.Filtered() {
		h.Write(v.secret)
	}
	h.Write([]byte(v.id))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:digestBytes])
}

// Shows reports whether a Publication is shown, at least in part. m is for what is asked about this Publication alone.
func (v *View) Shows(p *realtime.Publication, m *Memo) bool {
	if v == nil {
		return true
	}
	for _, f := range v.filters {
		if !f.Match(p, m) {
			return false
		}
	}
	return true
}

// Filtered reports whether there are Publications that it does not show.
func (v *View) Filtered() bool { return v != nil && len(v.filters) > 0 }

// Columns returns the members of data that are shown; nil is all.
func (v *View) Columns() *Columns {
	if v == nil {
		return nil
	}
	return v.columns
}

// Equality says that everything that a filter passes has one of some values under a name.
type Equality struct {
	Name   string // "key", "event", or "tags." and a tag's name
	Values []string
}

// Equalities returns those of all that is shown: each of them holds.
func (v *View) Equalities() (all []Equality) {
	if v == nil {
		return nil
	}
	for _, f := range v.filters {
		if e, is := f.(Equal); is {
			all = append(all, e.Equalities()...)
		}
	}
	return all
}

// Undecided reports whether it has filters, and none of them knows what it is that it passes: they are asked about everything. A list of keys
// is none of them.
func (v *View) Undecided() bool {
	return v != nil && len(v.Equalities()) == 0 && slices.ContainsFunc(v.filters, func(f Filter) bool {
		_, keys := f.(*keys)
		return !keys
	})
}

// Memo is where filters that are asked about one Publication, one after the other, keep what they have taken out of it, so that each is
// taken out once. Its zero value is empty. It is for one goroutine.
type Memo struct {
	// Kept is what is kept, of any type of the filters' own.
	Kept interface {
		// Forget says that the next question is about another Publication.
		Forget()
	}
}

// Forget is called before another Publication is asked about.
func (m *Memo) Forget() {
	if m.Kept != nil {
		m.Kept.Forget()
	}
}

// Filter is a compiled filter of a viewer. It is safe for concurrent use and keeps nothing of p but in m.
type Filter interface {
	Match(p *realtime.Publication, m *Memo) bool
	// ID tells filters apart: equal ones match the same.
	ID() string
}

// Equal is a Filter that knows what it is that it passes. All Equalities hold.
type Equal interface {
	Equalities() []Equality
}

// Explainer is a Filter that can say why it does not pass a Publication.
type Explainer interface {
	// Why returns a sentence; it is empty if the Filter passes it.
	Why(p *realtime.Publication, m *Memo) string
}

// Why says why a Publication is not shown, as far as the filters can say. It is empty if it is shown.
func (v *View) Why(p *realtime.Publication, m *Memo) string {
	if v == nil {
		return ""
	}
	for _, f := range v.filters {
		if !f.Match(p, m) {
			return why(f, p, m)
		}
	}
	return ""
}

func why(f Filter, p *realtime.Publication, m *Memo) string {
	if e, is := f.(Explainer); is {
		return e.Why(p, m)
	}
	return "the filter is false"
}

// Viewer is for whom a filter is compiled.
type Viewer struct {
	User   string
	Groups []string
	// Data are the members of Data that the filter may name.
	Data []string
	// Own says that the filter was written by the tenant or by who issues its tokens: {user} and {group} in it stand for the viewer's.
	Own bool
}

// Compiler compiles filters. An error says what is wrong with the text, and where.
type Compiler interface {
	Compile(source string, v Viewer) (Filter, error)
}

// anyOf passes what one of its filters passes, as several roles of a user do.
type anyOf []Filter

func (a anyOf) Match(p *realtime.Publication, m *Memo) bool {
	return slices.ContainsFunc(a, func(f Filter) bool { return f.Match(p, m) })
}

func (a anyOf) ID() string {
	ids := make([]string, len(a))
	for i, f := range a {
		ids[i] = f.ID()
	}
	return strings.Join(ids, "\x00or\x00")
}

func (a anyOf) Why(p *realtime.Publication, m *Memo) string {
	all := make([]string, len(a))
	for i, f := range a {
		all[i] = why(f, p, m)
	}
	return strings.Join(all, "; and ")
}
