package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Rule names the kind of a Problem.
type Rule string

// What the HCL can have wrong by itself. Policies have rules of their own.
const (
	RuleSyntax    Rule = "syntax"    // it cannot be read
	RuleBlock     Rule = "block"     // a block that there is not, or in the wrong place, or too many or too few of it
	RuleDuplicate Rule = "duplicate" // the same thing twice
	RuleType      Rule = "type"      // a resource or data source that there is not
	RuleArgument  Rule = "argument"  // an argument that there is not, or that is only read, or that is missing
	RuleValue     Rule = "value"     // a value of the wrong type, or none of the possible ones
	RuleReference Rule = "reference" // a name that stands for nothing
	RuleInput     Rule = "input"     // an input that a module has not, or that is missing
	RuleModule    Rule = "module"    // a module that is not there
	RuleUnused    Rule = "unused"    // declared, and used nowhere
	RuleDescribed Rule = "described" // a variable without type, or anything without description
	RuleProvider  Rule = "provider"  // a provider that is not required, or without version
	RuleLabels    Rule = "labels"    // something that takes labels and is given none
	RuleReadme    Rule = "readme"    // a README that lists other variables or outputs than there are
)

// Problem is one thing that is wrong.
type Problem struct {
	Rule  Rule
	Where hcl.Range
	Text  string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", p.Where.Filename, p.Where.Start.Line, p.Rule, p.Text)
}

// problems collects them.
type problems []Problem

func (p *problems) add(rule Rule, where hcl.Range, format string, args ...any) {
	*p = append(*p, Problem{rule, where, fmt.Sprintf(format, args...)})
}

// diagnosed adds what HCL itself found.
func (p *problems) diagnosed(rule Rule, diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		where := hcl.Range{Filename: "?"}
		if d.Subject != nil {
			where = *d.Subject
		}
		p.add(rule, where, "%s: %s", d.Summary, d.Detail)
	}
}

// sorted returns them by place, each once.
func (p problems) sorted() []Problem {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Where.Filename, b.Where.Filename), cmp.Compare(a.Where.Start.Byte, b.Where.Start.Byte), cmp.Compare(a.Text, b.Text))
	})
	return slices.CompactFunc(p, func(a, b Problem) bool { return a.String() == b.String() })
}

// sortedKeys lists the names in a map.
func sortedKeys[T any](all map[string]T) []string { return slices.Sorted(maps.Keys(all)) }
