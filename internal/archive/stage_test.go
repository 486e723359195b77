package main

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func stageModule(t *testing.T) staged {
	t.Helper()
	s, err := stage(t.Context(), root(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStagesWhatFunctionsAreMadeOf(t *testing.T) {
	t.Parallel()
	s := stageModule(t)
	got := map[string]bool{}
	for _, f := range s {
		got[f.name] = true
		if strings.HasSuffix(f.name, "_test.go") || strings.HasPrefix(f.name, "internal/") && !strings.HasPrefix(f.name, "internal/flight/") && !strings.HasPrefix(f.name, "internal/egress/") || strings.HasPrefix(f.name, "services/") ||
			strings.HasPrefix(f.name, "realtime/gateway/") || strings.HasPrefix(f.name, "clients/js/") {
			t.Errorf("%s is nothing that functions use", f.name)
		}
		if dir := path.Dir(f.name); dir == "functions" {
			t.Errorf("%s was not lifted to the root", f.name)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "LICENSE", "functions.go", "functions/ingest/ingest.go", "functions/janitor/janitor.go", "clients/go/client.go", "realtime/publish/publisher.go", "realtime/driver/gcp/client.go"} {
		if !got[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestArchiveIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	a, b := stageModule(t), stageModule(t)
	for _, z := range []struct {
		s staged
		w *bytes.Buffer
	}{{a, &first}, {b, &second}} {
		if err := z.s.zip(z.w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) || a.hash() != b.hash() {
		t.Error("two archives of the same files differ")
	}
	b[1].content = append([]byte{'\n'}, b[1].content...)
	if a.hash() == b.hash() {
		t.Error("another content has the same hash")
	}

	archive, err := zip.NewReader(bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var unzipped staged
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close() // it was read to its end
		unzipped = append(unzipped, file{f.Name, content})
	}
	if diff := cmp.Diff(a, unzipped, cmp.AllowUnexported(file{})); diff != "" {
		t.Error(diff)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"good", []string{"a.go", "b/b.go", "go.mod"}, ""},
		{"nothing to build", []string{"a/a.go", "go.mod"}, "the root has no Go file"},
		{"a test", []string{"a.go", "a_test.go"}, "a_test.go is a test"},
		{"twice", []string{"a.go", "a.go"}, "a.go appears twice"},
	} {
		var s staged
		for _, name := range c.files {
			s = append(s, file{name: name})
		}
		got := ""
		if err := s.check(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
