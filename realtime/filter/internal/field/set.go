package field

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Set are the fields that a namespace declares, as a tree of names. It is not changed.
type Set struct {
	names []string // as declared: data.a.b
	root  member
}

// member is one name on the way to declared fields.
type member struct {
	name  string
	field int // of fields.names; -1 if only members below are declared
	below []member
}

// NewSet returns the Set of some names, which it keeps. An error names the one that is refused.
func NewSet(names []string) (*Set, error) {
	if len(names) > Max {
		return nil, fmt.Errorf("filterable: must be at most %d fields, got %d", Max, len(names))
	}
	f := &Set{names: names, root: member{field: -1}}
	for i, name := range names {
		if err := checkField(name); err != nil {
			return nil, fmt.Errorf("filterable: %.300q %w", name, err)
		}
		at := &f.root
		for _, segment := range strings.Split(name, ".")[1:] {
			at = at.child(segment)
		}
		if at.field >= 0 {
			return nil, fmt.Errorf("filterable: %q appears twice", name)
		}
		at.field = i
	}
	return f, nil
}

func checkField(name string) error {
	segments := strings.Split(name, ".")
	switch {
	case len(name) > MaxBytes:
		return fmt.Errorf("must be at most %d bytes", MaxBytes)
	case !utf8.ValidString(name):
		return errors.New("is not UTF-8")
	case segments[0] != "data" || len(segments) < 2:
		return errors.New(`must begin with "data.", as data.bid`)
	case len(segments)-1 > MaxMembers:
		return fmt.Errorf("must have at most %d members", MaxMembers)
	}
	for _, segment := range segments {
		if segment == "" {
			return errors.New("has an empty member")
		}
	}
	return nil
}

func (m *member) child(name string) *member {
	for i := range m.below {
		if m.below[i].name == name {
			return &m.below[i]
		}
	}
	m.below = append(m.below, member{name: name, field: -1})
	return &m.below[len(m.below)-1]
}

// Names returns the fields as they were declared.
func (f *Set) Names() []string { return f.names }

// Find returns the number of a declared field.
func (f *Set) Find(name string) (int, bool) {
	for i, declared := range f.names {
		if declared == name {
			return i, true
		}
	}
	return 0, false
}

// clear forgets the values of m and of what is below it: of a member that appears twice the last one counts.
func (m *member) clear(values []Value) {
	if m.field >= 0 {
		values[m.field] = Value{}
	}
	for i := range m.below {
		m.below[i].clear(values)
	}
}
