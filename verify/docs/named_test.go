package docs

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	named   = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]+\b`)
	defined = regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]+)[(\[]`)
	comment = regexp.MustCompile(`(?m)^\s*//.*$`)
)

// A page or a comment that names a test as its proof names one that is there.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	there, where := map[string]bool{}, map[string]string{}
	for name, page := range pages(t) {
		for _, test := range named.FindAllString(page, -1) {
			where[test] = name
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text := read(t, path)
		for _, f := range defined.FindAllStringSubmatch(text, -1) {
			there[f[1]] = true
		}
		for _, line := range comment.FindAllString(text, -1) {
			for _, test := range named.FindAllString(line, -1) {
				where[test] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(there) < 500 || len(where) < 50 {
		t.Errorf("only %d tests were found, and %d that are named", len(there), len(where))
	}
	for test, path := range where {
		if !there[test] && test != "TestSomething" { // of an example
			t.Errorf("%s names %s, and there is no such test", path, test)
		}
	}
}
