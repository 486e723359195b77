// Package contexts keeps, by name, which deployments somebody works with: where each is, as whom to call it and for which tenant. One of them is in use. They stand
// in a file that its user alone may read, because it holds tokens.
package contexts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
)

// Context is one deployment.
type Context struct {
	URL         string `json:"url"`                 // of the gateway, and of all that has no URL of its own
	API         string `json:"apiUrl,omitempty"`    // of the management API
	Ingest      string `json:"ingestUrl,omitempty"` // of the function that takes events
	Tenant      string `json:"tenant,omitempty"`
	Token       string `json:"token,omitempty"`
	GoogleToken string `json:"googleToken,omitempty"`
}

// Service is what a command calls.
type Service string

// The services of a deployment that may have a URL each.
const (
	Gateway Service = ""
	API     Service = "api"
	Ingest  Service = "ingest"
)

// URLOf returns where a service is.
func (c *Context) URLOf(s Service) string {
	switch {
	case s == API && c.API != "":
		return c.API
	case s == Ingest && c.Ingest != "":
		return c.Ingest
	}
	return c.URL
}

// File is what is kept.
type File struct {
	InUse    string             `json:"inUse,omitempty"`
	Contexts map[string]Context `json:"contexts"`
}

// Folder is where the file is.
type Folder string

const name = "contexts.json"

// Load returns what is kept; an empty File if nothing is.
func (f Folder) Load() (File, error) {
	text, err := os.ReadFile(filepath.Join(string(f), name)) //nolint:gosec // of the user's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return File{Contexts: map[string]Context{}}, nil
	}
	var file File
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		return File{}, fmt.Errorf("the contexts: %w", err)
	}
	if file.Contexts == nil {
		file.Contexts = map[string]Context{}
	}
	return file, nil
}

// Save replaces the file in one step.
func (f Folder) Save(file File) error {
	text, err := json.MarshalIndent(file, "", "  ")
	if err == nil {
		err = os.MkdirAll(string(f), 0o700)
	}
	if err != nil {
		return fmt.Errorf("the contexts: %w", err)
	}
	tmp, err := os.CreateTemp(string(f), name+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("the contexts: %w", err)
	}
	_, err = tmp.Write(append(text, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(string(f), name))
	}
	if err != nil {
		return fmt.Errorf("the contexts: %w", errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}

// names are those of contexts.
var names = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Check refuses a name that is none.
func Check(name string) error {
	if !names.MatchString(name) {
		return usage.Errorf("NAME: must be of a-z, 0-9 and -, at most 63, and begin with a letter or digit, got %.80q", name)
	}
	return nil
}

// Get returns a context by its name, or the one in use if that is empty; it is not ok if none is in use.
func (f *File) Get(name string) (c Context, ok bool, err error) {
	asked := name != ""
	if !asked {
		name = f.InUse
	}
	if name == "" {
		return c, false, nil
	}
	c, ok = f.Contexts[name]
	if !ok && asked {
		return c, false, f.unknown(name)
	}
	return c, ok, nil
}

// unknown says that there is no such context, and which there are.
func (f *File) unknown(name string) error {
	if len(f.Contexts) == 0 {
		return usage.Errorf("there is no context %q; tidewire context add makes one", name)
	}
	return usage.Errorf("there is no context %q; there are %s", name, strings.Join(f.Names(), ", "))
}

// Names returns the names in order.
func (f *File) Names() []string {
	all := make([]string, 0, len(f.Contexts))
	for name := range f.Contexts {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
