package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// source is the package that is lifted to the root of the archive.
const source = "functions"

// file is one file of the archive.
type file struct {
	name    string // in the archive, with slashes
	content []byte
}

// staged is the content of an archive, ordered by name.
type staged []file

// stage collects the files of the module whose root is the folder module.
func stage(ctx context.Context, module string) (staged, error) {
	packages, err := list(ctx, module)
	if err != nil {
		return nil, err
	}
	names := []string{"go.mod", "go.sum", "LICENSE"}
	for _, p := range packages {
		folder, err := filepath.Rel(module, p.Dir)
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", p.ImportPath, err)
		}
		for _, name := range slices.Concat(p.GoFiles, p.tagged(), p.SFiles, p.HFiles, p.EmbedFiles) {
			names = append(names, path.Join(filepath.ToSlash(folder), filepath.ToSlash(name)))
		}
	}
	var s staged
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(module, filepath.FromSlash(name))) //nolint:gosec // a name of go list
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", name, err)
		}
		s = append(s, file{lifted(name), content})
	}
	slices.SortFunc(s, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return s, s.check()
}

// lifted is where a file of the module lies in the archive.
func lifted(name string) string {
	if path.Dir(name) == source {
		return path.Base(name)
	}
	return name
}

// check refuses what the buildpack would refuse, or worse, take for something else.
func (s staged) check() error {
	var errs []error
	functions := 0
	for i, f := range s {
		if i > 0 && s[i-1].name == f.name {
			errs = append(errs, fmt.Errorf("%s appears twice", f.name))
		}
		if strings.HasSuffix(f.name, "_test.go") {
			errs = append(errs, fmt.Errorf("%s is a test", f.name))
		}
		if path.Dir(f.name) == "." && path.Ext(f.name) == ".go" {
			functions++
		}
	}
	if functions == 0 {
		errs = append(errs, errors.New("the root has no Go file"))
	}
	return errors.Join(errs...)
}

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir                     string
	GoFiles, SFiles, HFiles, EmbedFiles []string
	IgnoredGoFiles                      []string // by build tags
	CgoFiles, TestGoFiles, XTestGoFiles []string
	Module                              *struct{ Main bool }
}

// tagged are the files of package functions that it has with other build tags.
func (p *listed) tagged() []string {
	if path.Base(p.ImportPath) != source {
		return nil
	}
	return p.IgnoredGoFiles
}

// list returns the packages of this module that package functions consists of.
func list(ctx context.Context, module string) ([]listed, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,IgnoredGoFiles,CgoFiles,SFiles,HFiles,EmbedFiles,TestGoFiles,XTestGoFiles,Module", "./"+source)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list ./%s: %w\n%s", source, err, complaints.String())
	}
	var own []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return own, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list ./%s: %w", source, err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		if path.Base(p.Dir) == source && len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			return nil, fmt.Errorf("%s has tests: the folder is uploaded as it is by those who do not stage it; move them into a package below it", p.ImportPath)
		}
		own = append(own, p)
	}
}

// hash is a digest of names and contents.
func (s staged) hash() string {
	h := sha256.New()
	for _, f := range s {
		_, _ = fmt.Fprintf(h, "%s\x00%d\x00", f.name, len(f.content)) // never fails: hash.Hash
		h.Write(f.content)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// zip writes the archive.
func (s staged) zip(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, f := range s {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(0o644)
		entry, err := z.CreateHeader(header)
		if err == nil {
			_, err = entry.Write(f.content)
		}
		if err != nil {
			return fmt.Errorf("zip %s: %w", f.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("zip: %w", err)
	}
	return nil
}

// extract writes the files below a folder.
func (s staged) extract(folder string) error {
	for _, f := range s {
		name := filepath.Join(folder, filepath.FromSlash(f.name))
		err := os.MkdirAll(filepath.Dir(name), 0o750)
		if err == nil {
			err = os.WriteFile(name, f.content, fs.FileMode(0o600))
		}
		if err != nil {
			return fmt.Errorf("extract %s: %w", f.name, err)
		}
	}
	return nil
}
