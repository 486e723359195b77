package pipeline

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// largest is what a file of the repository may have: the source map of the browser client is the largest, with 0.4 MB.
const largest = 1 << 20

// TestNothingBuiltIsCommitted: "go build ./cmd/tidewire" leaves a program of 50 MB in the folder that it is run in, which
// is easily committed with everything else and stays in the history for ever. What make builds lies in bin.
func TestNothingBuiltIsCommitted(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "bin", "node_modules", ".terraform"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || slices.Contains([]string{".test", ".out"}, filepath.Ext(path)) {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch program, err := isProgram(path); {
		case err != nil:
			return err
		case program:
			t.Errorf("%s is a program: build it into bin, which is not committed", path)
		case info.Size() > largest:
			t.Errorf("%s has %d bytes: must be at most %d", path, info.Size(), largest)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// isProgram reports whether a file begins as programs of Linux, macOS and Windows do, and compiled WebAssembly.
func isProgram(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, 4))
	for _, magic := range []string{"\x7fELF", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", "MZ", "\x00asm"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true, err
		}
	}
	return false, err
}
