package terraform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Rule names the kind of a Problem.
type Rule string

// What Terraform takes, and this repository does not. Policies have rules of their own.
const (
	RuleSyntax    Rule = "syntax"    // the HCL cannot be read
	RuleModule    Rule = "module"    // a module that is not a folder of this repository
	RuleUnused    Rule = "unused"    // declared, and used nowhere
	RuleDescribed Rule = "described" // a variable without type, or anything without description
	RuleProvider  Rule = "provider"  // a provider that is not required, or without version
	RuleReadme    Rule = "readme"    // a README that lists other variables or outputs than there are
)

// What the HCL and the program do not agree on.
const (
	RuleArgument  Rule = "argument"  // something is missing, or is given to a program that does not read it
	RuleValue     Rule = "value"     // a value that the other side has otherwise
	RuleReference Rule = "reference" // a name that the other side does not know
)

// Problem is one thing that is wrong.
type Problem struct {
	Rule  Rule
	Where string // a file with its line, a folder, or the address of a resource
	Text  string
}

func (p Problem) String() string {
	if strings.HasPrefix(p.Text, p.Where) {
		return fmt.Sprintf("%s: %s", p.Rule, p.Text)
	}
	return fmt.Sprintf("%s: %s: %s", p.Where, p.Rule, p.Text)
}

// problems collects them.
type problems []Problem

func (p *problems) add(rule Rule, where, format string, args ...any) {
	*p = append(*p, Problem{rule, where, fmt.Sprintf(format, args...)})
}

// at adds one that stands at a place of a file.
func (p *problems) at(rule Rule, place hcl.Range, format string, args ...any) {
	p.add(rule, fmt.Sprintf("%s:%d", place.Filename, place.Start.Line), format, args...)
}

// sorted returns them by place, each once.
func (p problems) sorted() []Problem {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(p)
}

// sortedKeys lists the names in a map.
func sortedKeys[T any](all map[string]T) []string { return slices.Sorted(maps.Keys(all)) }
