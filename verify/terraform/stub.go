package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// Stub is the stub of providers google and random (verify/terraform/stub), built into a folder: with it Terraform validates and plans by the
// schema of the real one, and asks nobody. It is safe for concurrent use.
type Stub struct{ dir, schema string }

// BuildStub builds the stub whose source is in a folder, for the schema in a file. Close removes what it has built.
func BuildStub(ctx context.Context, source, schema string) (s *Stub, err error) {
	s = &Stub{}
	if s.schema, err = filepath.Abs(schema); err != nil {
		return nil, fmt.Errorf("building the stub of providers: %w", err)
	}
	if s.dir, err = os.MkdirTemp("", "tidewire-stub-"); err != nil {
		return nil, fmt.Errorf("building the stub of providers: %w", err)
	}
	if err := s.build(ctx, source); err != nil {
		return nil, fmt.Errorf("building the stub of providers: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

// Close removes the stub.
func (s *Stub) Close() error { return os.RemoveAll(s.dir) }

// build makes both providers, which are one binary, and tells Terraform where they are.
func (s *Stub) build(ctx context.Context, source string) error {
	google, random := filepath.Join(s.dir, "google"), filepath.Join(s.dir, "random")
	binary := filepath.Join(google, "terraform-provider-google")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".") //nolint:gosec // our own names
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if err := os.Mkdir(random, 0o750); err != nil {
		return err
	}
	if err := os.Link(binary, filepath.Join(random, "terraform-provider-random")); err != nil {
		return err
	}
	config := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"hashicorp/google\" = %q\n    \"hashicorp/random\" = %q\n  }\n}\n", google, random)
	return os.WriteFile(filepath.Join(s.dir, "terraform.rc"), []byte(config), 0o600)
}

// Workspace is a copy of the HCL in which Terraform runs one of its roots on the stub, with a state of its own. It runs one command at a time.
type Workspace struct {
	Tree, Dir string // the copy, and the root in it
	stub      *Stub
}

// backend is what a root without its bucket has to do without.
var backend = regexp.MustCompile(`(?s)  backend "gcs" \{.*?\n  \}\n`)

// Open copies the HCL in a folder into another one, which the caller removes, and prepares one of its roots.
func (s *Stub) Open(ctx context.Context, from, to, root string) (*Workspace, error) {
	if err := Copy(from, to); err != nil {
		return nil, err
	}
	w := &Workspace{Tree: to, Dir: filepath.Join(to, filepath.FromSlash(root)), stub: s}
	versions := filepath.Join(w.Dir, "versions.tf")
	text, err := os.ReadFile(versions) //nolint:gosec // our own copy
	if err == nil {
		err = os.WriteFile(versions, backend.ReplaceAll(text, nil), 0o600) //nolint:gosec // our own copy
	}
	if err != nil && !os.IsNotExist(err) { // an example has no backend
		return nil, err
	}
	_, err = w.Run(ctx, "get")
	return w, err
}

// Run runs a command of Terraform and returns what it wrote.
func (w *Workspace) Run(ctx context.Context, args ...string) (string, error) {
	return w.with(ctx, nil, args...)
}

func (w *Workspace) with(ctx context.Context, environment []string, args ...string) (string, error) {
	// Terraform is over before its garbage would matter.
	environment = append(environment, "GOGC=400", "TF_CLI_CONFIG_FILE="+filepath.Join(w.stub.dir, "terraform.rc"), "TIDEWIRE_SCHEMA="+w.stub.schema)
	return command(ctx, w.Dir, environment, args...)
}

// Give writes the variables of the root.
func (w *Workspace) Give(variables map[string]any) error {
	text, err := json.Marshal(variables)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.Dir, "given.auto.tfvars.json"), text, 0o600)
}
