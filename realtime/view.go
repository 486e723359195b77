package realtime

import (
	"slices"
	"strings"
)

// The bounds of what a namespace or a token says about what readers are shown.
const (
	MaxFilterBytes = 2048 // of the text of a filter
	MaxColumns     = 64   // and of fields
	MaxFilterable  = 16
	MaxKeys        = 5000 // that a subscription is for
	// MaxChannelFilters is how many different filters the readers of a channel may have on an instance, of those that no equality decides.
	MaxChannelFilters = 1000
)

// Views are what a token narrows of what its owner is shown, by patterns of channels. Of the patterns that select a channel the
// longest counts; of several that are equally long all do.
type Views struct {
	// Filters are those that a Publication must pass: one of a pattern's, as several roles of one user each allow something.
	Filters map[Pattern][]string
	// Columns are the only top-level members of Data that are shown.
	Columns map[Pattern][]string
}

// FiltersOf returns the filters of a channel: a Publication must pass one of each.
func (p *Principal) FiltersOf(c Channel) [][]string {
	all := lists(p.Views.Filters, longest(p.Views.Filters, c, p))
	for _, filters := range p.Enforced {
		all = append(all, lists(filters, longest(filters, c, p))...)
	}
	return all
}

// ColumnsOf returns the lists of members that are shown of a channel: a member must be in each.
func (p *Principal) ColumnsOf(c Channel) [][]string {
	return lists(p.Views.Columns, longest(p.Views.Columns, c, p))
}

// ViewPatterns returns the patterns of Views by which a channel is narrowed for the principal, in order: those of FiltersOf and ColumnsOf.
func (p *Principal) ViewPatterns(c Channel) (filters, columns []Pattern) {
	return longest(p.Views.Filters, c, p), longest(p.Views.Columns, c, p)
}

func lists(all map[Pattern][]string, of []Pattern) (found [][]string) {
	for _, pattern := range of {
		found = append(found, all[pattern])
	}
	return found
}

// longest returns the longest of the patterns that select a channel.
func longest(all map[Pattern][]string, c Channel, p *Principal) []Pattern {
	length := 0
	names := make([]Pattern, 0, len(all))
	for pattern := range all {
		if len(pattern) >= length && pattern.Match(c.Name(), p.User, p.Groups) {
			if len(pattern) > length {
				length, names = len(pattern), names[:0]
			}
			names = append(names, pattern)
		}
	}
	slices.Sort(names)
	return names
}

// checkView refuses rules about what readers are shown that cannot work. Filters are compiled elsewhere.
func (n *Namespace) checkView(field string) error {
	if len(n.Enforce) > MaxFilterBytes {
		return Errorf(CodeBadRequest, "%s.enforce: must be at most %d bytes, got %d", field, MaxFilterBytes, len(n.Enforce))
	}
	if len(n.Filterable) > MaxFilterable {
		return Errorf(CodeBadRequest, "%s.filterable: must be at most %d members, got %d", field, MaxFilterable, len(n.Filterable))
	}
	for _, name := range n.Filterable {
		if !strings.HasPrefix(name, "data.") || !isPath(name) {
			return Errorf(CodeBadRequest, "%s.filterable: must name members of data, such as data.bid, got %q", field, clip(name))
		}
	}
	return CheckColumns(field+".columns", n.Columns)
}

// isPath reports whether a name is made of identifiers with dots between.
func isPath(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || part[0] >= '0' && part[0] <= '9' {
			return false
		}
		for i := range len(part) {
			if c := part[i]; c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// CheckColumns refuses a list of top-level members of Data that is too long, or has a name that is none. field says what the list is.
func CheckColumns(field string, names []string) error {
	if len(names) > MaxColumns {
		return Errorf(CodeBadRequest, "%s: must be at most %d members, got %d", field, MaxColumns, len(names))
	}
	for _, name := range names {
		if name == "" {
			return Errorf(CodeBadRequest, "%s: a name must not be empty", field)
		}
		if err := checkText(field, name, MaxIDBytes); err != nil {
			return err
		}
	}
	return nil
}
