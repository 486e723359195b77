// Package starter writes what a project of somebody's own begins with: a page, what publishes to it, and a tenant.
package starter

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	js "github.com/tidewire/tidewire/clients/js"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
)

//go:embed files
var files embed.FS

// secretFile is the file that others must not read.
const secretFile = "tenants.json"

// Write writes the files into a folder, which it makes if it is not there, and returns their names. A folder with anything in it is refused:
// nothing is overwritten.
func Write(folder string) (names []string, err error) {
	has, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case len(has) > 0:
		return nil, usage.Errorf("%s: must be empty, or not exist; it has %s", folder, has[0].Name())
	}
	all, err := content()
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		mode := fs.FileMode(0o644)
		if f.name == secretFile {
			mode = 0o600
		}
		if err := write(filepath.Join(folder, f.name), f.data, mode); err != nil {
			return names, err
		}
		names = append(names, f.name)
	}
	return names, nil
}

type file struct {
	name string
	data []byte
}

// content is what is written, in the order of names.
func content() (all []file, err error) {
	entries, err := files.ReadDir("files")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := files.ReadFile("files/" + e.Name())
		if err != nil {
			return nil, err
		}
		if e.Name() == secretFile {
			data = bytes.Replace(data, []byte("SECRET"), []byte(rand.Text()+rand.Text()), 1)
		}
		all = append(all, file{e.Name(), data})
	}
	return append(all, file{"tidewire.js", js.Source}), nil
}

// write writes a file that must not be there.
func write(name string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // a name of ours in the folder that the user names
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
