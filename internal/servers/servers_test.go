// Package servers checks that every HTTP server that we start, or show, has all of its deadlines.
package servers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// required are the fields that a server has to set. Without the first three a client that sends or takes nothing is
// waited for for ever, without the last one it can send a megabyte before anybody looks at it.
var required = []string{"ReadHeaderTimeout", "ReadTimeout", "WriteTimeout", "IdleTimeout", "MaxHeaderBytes"}

// faults returns what is wrong with the servers of a file.
func faults(files *token.FileSet, file *ast.File) (all []string) {
	name := "" // of net/http here
	for _, i := range file.Imports {
		if i.Path.Value == `"net/http"` {
			if name = "http"; i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	if name == "" {
		return nil
	}
	say := func(n ast.Node, format string, args ...any) {
		all = append(all, files.Position(n.Pos()).String()+": "+fmt.Sprintf(format, args...))
	}
	literals := map[ast.Node]bool{} // types of literals, which are judged with them
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.CompositeLit); ok && is(lit.Type, name, "Server") {
			literals[lit.Type] = true
			var set []string
			for _, e := range lit.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					set = append(set, fmt.Sprint(kv.Key))
				}
			}
			for _, field := range required {
				if !slices.Contains(set, field) {
					say(n, "http.Server without %s", field)
				}
			}
		}
		return true
	})
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		for _, f := range []string{"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS"} {
			if is(sel, name, f) {
				say(n, "http.%s has no deadlines", f)
			}
		}
		return true
	})
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "new" && len(n.Args) == 1 && is(n.Args[0], name, "Server") {
				say(n, "new(http.Server) has no deadlines")
			}
		case *ast.ValueSpec:
			if is(n.Type, name, "Server") {
				say(n, "a variable of http.Server has no deadlines")
			}
		}
		return true
	})
	return all
}

// is reports whether an expression is the selector of a package.
func is(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// snippets are the Go programs in a page, whole or in part.
func snippets(page string) (all []string) {
	for rest := page; ; {
		_, after, ok := strings.Cut(rest, "```go\n")
		if !ok {
			return all
		}
		code, after, _ := strings.Cut(after, "```")
		rest = after
		if !strings.Contains(code, "package ") {
			code = "package p\nimport \"net/http\"\nfunc _() {\n" + code + "\n}"
		}
		all = append(all, code)
	}
}

func TestServersHaveDeadlines(t *testing.T) {
	t.Parallel()
	root, seen := "../..", 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", "node_modules", ".terraform", "testdata"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		var sources []string
		switch {
		case strings.HasSuffix(path, ".md"):
			page, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sources = snippets(string(page))
		case strings.HasSuffix(path, "_test.go") && filepath.Base(path) != "example_test.go":
		case strings.HasSuffix(path, ".go"):
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sources = []string{string(b)}
		}
		for _, source := range sources {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
			if err != nil {
				if strings.HasSuffix(path, ".md") {
					if strings.Contains(source, "http.Server{") || strings.Contains(source, "http.ListenAndServe") {
						t.Errorf("%s shows a server in a snippet that is not Go: %v", path, err)
					}
					continue
				}
				return err
			}
			seen++
			for _, fault := range faults(files, file) {
				t.Error(fault)
			}
		}
		return nil
	})
	if err != nil || seen < 200 {
		t.Errorf("%d files were read, %v", seen, err)
	}
}

// The check finds what it is for.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	good := "http.Server{Handler: nil, ReadHeaderTimeout: 1, ReadTimeout: 1, WriteTimeout: 1, IdleTimeout: 1, MaxHeaderBytes: 1}"
	for source, want := range map[string]int{
		`var _ = &` + good:                                     0,
		`var _ = &http.Server{Addr: "x"}`:                      5,
		`var _ = []http.Server{` + good + `}`:                  0,
		`var _ = new(http.Server)`:                             1,
		`var s http.Server`:                                    1,
		`func f() { _ = http.ListenAndServe("", nil) }`:        1,
		`func f() { go http.Serve(nil, nil) }`:                 1,
		`var serve = http.ListenAndServeTLS`:                   1,
		`func f(s *http.Server) { _ = s.ListenAndServe() }`:    0,
		`var _ = &` + strings.Replace(good, "Read", "X", 1):    1,
		`func f() { http.Handle("/", http.NotFoundHandler())}`: 0,
	} {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, "x.go", "package p\nimport \"net/http\"\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := faults(files, file); len(got) != want {
			t.Errorf("%s: %q, want %d faults", source, got, want)
		}
	}
}
