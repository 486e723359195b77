package arrows

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a package, a file, a function and a type may grow to before they are split by subject. Tests do not count.
const (
	mostLines    = 2500 // of a package
	mostOfFile   = 325  // of a file, with its comments
	mostFunction = 60   // of a function
	mostMethods  = 25   // of a type of the framework
)

// TestNothingGrowsTooLarge counts the lines of each package, file and function, and the methods of each type of the framework.
func TestNothingGrowsTooLarge(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir string
			GoFiles         []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		lines, methods := 0, map[string]int{}
		files := token.NewFileSet()
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			lines += codeLines(t, path)
			if n := files.File(file.Pos()).LineCount(); n > mostOfFile {
				t.Errorf("%s has %d lines, at most %d are allowed", path, n, mostOfFile)
			}
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; n > mostFunction {
					t.Errorf("%s: %s has %d lines, at most %d fit on a screen", path, f.Name.Name, n, mostFunction)
				}
				if f.Recv != nil {
					methods[receiver(f.Recv.List[0].Type)]++
				}
			}
		}
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		if lines > mostLines {
			t.Errorf("%s has %d lines of code, at most %d are allowed: split it by subject", path, lines, mostLines)
		}
		for of, n := range methods {
			if n > mostMethods && strings.HasPrefix(path, "realtime") {
				t.Errorf("%s.%s has %d methods, at most %d are allowed: split it by subject", path, of, n, mostMethods)
			}
		}
	}
}

// codeLines counts the lines of a file, but for empty ones and those of comments: what explains the code does not make it too large.
func codeLines(t *testing.T, path string) (n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

// receiver is the name of a method's type.
func receiver(of ast.Expr) string {
	switch e := of.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
