package telemetry_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

const root = "../.."

// source is a file of the framework that is no test.
type source struct {
	folder string // below the top of the repository
	file   *ast.File
	at     func(ast.Node) string
}

// sources are all of the module.
func sources(t *testing.T) (all []source) {
	t.Helper()
	set := token.NewFileSet()
	for _, top := range []string{"realtime", "functions", "services", "cmd", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			folder, err := filepath.Rel(root, filepath.Dir(name))
			all = append(all, source{filepath.ToSlash(folder), f, func(n ast.Node) string { return set.Position(n.Pos()).String() }})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// named returns the name of an identifier of package realtime; empty if the expression is none.
func (s source) named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		if s.folder == "realtime" {
			return e.Name
		}
	case *ast.SelectorExpr:
		if of, ok := e.X.(*ast.Ident); ok && of.Name == "realtime" {
			return e.Sel.Name
		}
	}
	return ""
}

// constants returns those that package realtime declares with a type, by name.
func constants(t *testing.T, all []source, kind string) map[string]string {
	t.Helper()
	return declared(t, all, "realtime", kind)
}

// declared returns the constants that a package declares with a type, by name.
func declared(t *testing.T, all []source, folder, kind string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, s := range all {
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || s.folder != folder || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if of, ok := v.Type.(*ast.Ident); ok && of.Name == kind {
					value, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					found[v.Names[0].Name] = value
				}
			}
		}
	}
	return found
}

// Whatever is counted has a reason of its counter: a constant, or something that is no literal, as a Code or a limit's name is. And every
// constant is counted somewhere.
func TestReasonsAreOfTheirCounters(t *testing.T) {
	t.Parallel()
	all := sources(t)
	counters, reasons := constants(t, all, "Counter"), constants(t, all, "Reason")
	calls, used := 0, map[string]bool{}
	// A Hub counts what a slow reader loses by its channel's Overflow.
	for _, value := range constants(t, all, "Overflow") {
		used[value] = true
	}
	for _, s := range all {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok && s.folder != "realtime" {
				used[s.named(e)] = true
			}
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 3 {
				return true
			}
			counter, ok := counters[s.named(call.Args[0])]
			if !ok {
				return true
			}
			calls++
			s.checkReason(t, realtime.Counter(counter), call.Args[len(call.Args)-2], reasons) // before the number
			return true
		})
	}
	if calls < 25 || len(reasons) < 40 {
		t.Errorf("only %d calls and %d reasons were found", calls, len(reasons))
	}
	for name, value := range reasons {
		if value != "" && !used[name] && !used[value] {
			t.Errorf("nothing is counted as %s", name)
		}
	}
}

func (s source) checkReason(t *testing.T, c realtime.Counter, reason ast.Expr, reasons map[string]string) {
	t.Helper()
	of := c.Reasons()
	if value, ok := reasons[s.named(reason)]; ok {
		none := value == "" && (len(of.Constants) == 0 || c == realtime.CountDeliveries)
		if !none && !slices.Contains(of.Constants, realtime.Reason(value)) {
			t.Errorf("%s: %q is no reason of %s", s.at(reason), value, c)
		}
		return
	}
	ast.Inspect(reason, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Value != `" "` { // that is between the two words of a failed call
			t.Errorf("%s: %s is no constant of realtime", s.at(reason), l.Value)
		}
		return true
	})
}

// Each constant is a reason of some counter, none has one twice, and no counter has another's words for its own.
func TestReasonsAreListed(t *testing.T) {
	t.Parallel()
	all := sources(t)
	listed := map[realtime.Reason]bool{}
	for name, value := range constants(t, all, "Counter") {
		constants := realtime.Counter(value).Reasons().Constants
		for i, r := range constants {
			listed[r] = true
			if slices.Contains(constants[:i], r) {
				t.Errorf("%s has %q twice", name, r)
			}
		}
	}
	for name, value := range constants(t, all, "Reason") {
		if value != "" && !listed[realtime.Reason(value)] {
			t.Errorf("%s is a reason of no counter", name)
		}
	}
}

// The documentation lists the reasons of every counter, and says of which other words they may be.
func TestReasonsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs", "telemetry.md"))
	if err != nil {
		t.Fatal(err)
	}
	var tokens []realtime.Reason // some of which may be named
	for _, r := range declared(t, sources(t), "realtime/auth", "reason") {
		tokens = append(tokens, realtime.Reason(r))
	}
	word := regexp.MustCompile("`([^`]+)`")
	counters := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(cells[1], " `"+telemetry.Prefix) || strings.TrimSpace(cells[2]) != "counter" {
			continue
		}
		counters++
		c := realtime.Counter(strings.TrimPrefix(strings.Trim(cells[1], " `"), telemetry.Prefix))
		of := c.Reasons()
		var documented []realtime.Reason
		for _, m := range word.FindAllStringSubmatch(cells[5], -1) {
			documented = append(documented, realtime.Reason(m[1]))
		}
		if !of.Backend { // of which examples are named
			for _, r := range of.Constants {
				if !slices.Contains(documented, r) {
					t.Errorf("%s has the reason %q, which is not documented", c, r)
				}
			}
			for _, r := range documented {
				if !slices.Contains(of.Constants, r) && (!of.Tokens || !slices.Contains(tokens, r)) {
					t.Errorf("%s has no reason %q", c, r)
				}
			}
		}
		for says, may := range map[string]bool{"(protocol.md#codes)": of.Codes, "(limits.md)": of.Limits, "(tokens.md": of.Tokens} {
			if strings.Contains(cells[5], says) != may {
				t.Errorf("%s: the reasons link to %s: %t, want %t", c, says, !may, may)
			}
		}
	}
	if counters < 15 {
		t.Errorf("only %d counters are documented", counters)
	}
}

// What charts and alerts ask for are reasons of their counters.
func TestQueriesAskForReasons(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "terraform", "modules", "signals", "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	asks := regexp.MustCompile(`'tidewire\.([a-z.]+)'[^}]*reason=~?'([^']+)'`)
	asked := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asks.FindAllStringSubmatch(string(text), -1) {
			of := realtime.Counter(m[1]).Reasons()
			if asked++; of.Backend { // whose words are the driver's
				continue
			}
			for r := range strings.SplitSeq(m[2], "|") {
				if !slices.Contains(of.Constants, realtime.Reason(r)) {
					t.Errorf("%s asks for %s with the reason %q", name, m[1], r)
				}
			}
		}
	}
	if asked < 10 {
		t.Errorf("only %d queries ask for a reason", asked)
	}
}
