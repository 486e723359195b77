package check

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Readmes compares the README of each module with its variables and outputs: it has a table of
// each, whose header begins with "variable" or "output", and a row for each name.
func (t *Tree) Readmes() []Problem {
	var found problems
	for _, dir := range t.Modules() {
		m := t.modules[dir]
		name := path.Join(dir, "README.md")
		where := hcl.Range{Filename: name, Start: hcl.InitialPos}
		text, err := os.ReadFile(filepath.Join(t.root, filepath.FromSlash(name))) //nolint:gosec // beside the HCL that was read
		if err != nil {
			found.add(RuleReadme, where, "there is none")
			continue
		}
		rows := tables(string(text))
		compare(&found, where, "variable", rows["variable"], sortedKeys(m.variables))
		compare(&found, where, "output", rows["output"], sortedKeys(m.outputs))
	}
	return found.sorted()
}

func compare(found *problems, where hcl.Range, kind string, rows map[string]int, names []string) {
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
		if rows[name] == 0 {
			found.add(RuleReadme, where, "the %s %s has no row", kind, name)
		}
	}
	for _, name := range sortedKeys(rows) {
		if !there[name] {
			where.Start.Line = rows[name]
			found.add(RuleReadme, where, "there is no %s %s", kind, name)
		}
	}
}

// tables are the names in the rows of tables, with their lines, by the first cell of the table's header.
func tables(text string) map[string]map[string]int {
	all := map[string]map[string]int{}
	header, n := "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			header = ""
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		first = strings.TrimSpace(first)
		if header == "" {
			header = first
			if all[header] == nil {
				all[header] = map[string]int{}
			}
			continue
		}
		for name := range strings.SplitSeq(first, ",") {
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "`") {
				all[header][strings.Trim(name, "`")] = n
			}
		}
	}
	return all
}
