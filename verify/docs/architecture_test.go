package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What docs/architecture.md names is there: files, the functions that its walks pass in them, and folders.
func TestArchitectureIsThere(t *testing.T) {
	t.Parallel()
	page := read(t, filepath.Join(root, "docs", "architecture.md"))
	steps := 0
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		files := quoted(cells[1])
		if len(files) != 1 || !strings.HasSuffix(files[0], ".go") {
			continue
		}
		steps++
		have := functions(t, filepath.Join(root, files[0]))
		for _, name := range quoted(cells[2]) {
			if !slices.Contains(have, name) {
				t.Errorf("%s has no %s", files[0], name)
			}
		}
	}
	if steps < 25 {
		t.Errorf("only %d steps were found", steps)
	}
	named := 0
	for _, name := range quoted(page) {
		for prefix := range strings.SplitSeq("realtime/,functions/,services/,internal/,cmd/,docs/", ",") {
			if !strings.HasPrefix(name, prefix) || strings.ContainsAny(name, "* ") {
				continue
			}
			named++
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s is named, and is not there", name)
			}
		}
	}
	if named < 40 {
		t.Errorf("only %d names were looked for", named)
	}
}

// Every package of the framework is in the table of packages.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	t.Parallel()
	names := quoted(read(t, filepath.Join(root, "docs", "architecture.md")))
	found := 0
	for _, pattern := range []string{"realtime/*/doc.go", "realtime/*/*/doc.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			name, err := filepath.Rel(root, filepath.Dir(f))
			if err != nil {
				t.Fatal(err)
			}
			found++
			if parent := filepath.Dir(name); !slices.Contains(names, filepath.ToSlash(name)) && !slices.Contains(names, filepath.ToSlash(parent)) {
				t.Errorf("%s is not named", name)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d packages were found", found)
	}
}

// A walk passes no package twice, and twelve at most: what happens one after the other is in one place. A table is what
// happens in one process.
func TestWalksPassEachPackageOnce(t *testing.T) {
	t.Parallel()
	sections := strings.Split(read(t, filepath.Join(root, "docs", "architecture.md")), "\n## ")
	walks := 0
	for _, section := range sections {
		title, text, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(title, "Walk ") {
			continue
		}
		walks++
		all := map[string]bool{}
		for table := range strings.SplitSeq(text, "| --- | --- | --- |") {
			passed, last := map[string]bool{}, ""
			for line := range strings.Lines(table) {
				cells := strings.Split(line, "|")
				if len(cells) < 4 || len(quoted(cells[1])) != 1 {
					continue
				}
				folder := filepath.Dir(quoted(cells[1])[0])
				if folder != last && passed[folder] {
					t.Errorf("%s passes %s twice", title, folder)
				}
				passed[folder], all[folder], last = true, true, folder
			}
		}
		if len(all) < 6 || len(all) > 12 {
			t.Errorf("%s passes %d packages", title, len(all))
		}
	}
	if walks != 3 {
		t.Errorf("%d walks were found, want three", walks)
	}
}

var code = regexp.MustCompile("`([^`\n]+)`")

func quoted(text string) (all []string) {
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// functions returns those that a file declares, methods with their types.
func functions(t *testing.T, name string) (all []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return nil
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		switch {
		case !ok:
		case fn.Recv == nil:
			all = append(all, fn.Name.Name)
		default:
			of := fn.Recv.List[0].Type
			if p, ok := of.(*ast.StarExpr); ok {
				of = p.X
			}
			if id, ok := of.(*ast.Ident); ok {
				all = append(all, id.Name+"."+fn.Name.Name)
			}
		}
	}
	return all
}

// The drawings of the engine's states are those of the code.
func TestArchitectureDrawsTheStates(t *testing.T) {
	t.Parallel()
	page := read(t, filepath.Join(root, "docs", "architecture.md"))
	drawings := regexp.MustCompile(`(?m)^//\t.*\n(?://(?:\t.*)?\n)*`).FindAllString(read(t, filepath.Join(root, "realtime", "hub", "channel", "states.go")), -1)
	if len(drawings) != 3 {
		t.Errorf("states.go has %d drawings, want three", len(drawings))
	}
	for _, d := range drawings {
		var want strings.Builder
		for line := range strings.Lines(d) {
			want.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), "\t"))
		}
		if text := strings.TrimRight(want.String(), "\n"); !strings.Contains(page, "```text\n"+text+"\n```") {
			t.Errorf("docs/architecture.md does not show this drawing of states.go:\n%s", text)
		}
	}
}
