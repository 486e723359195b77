package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ErrMissing says that Terraform is not installed.
var ErrMissing = errors.New("terraform is not installed: it is needed in version 1.11 or newer (https://developer.hashicorp.com/terraform/install)")

// Command runs a command of Terraform in a folder and returns what it wrote. It asks nobody for newer versions, and reads
// neither variables nor a configuration from the environment.
func Command(ctx context.Context, dir string, args ...string) (string, error) {
	return command(ctx, dir, nil, args...)
}

func command(ctx context.Context, dir string, environment []string, args ...string) (string, error) {
	binary, err := exec.LookPath("terraform")
	if err != nil {
		return "", ErrMissing
	}
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // what it is asked is written below
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TF_") })
	cmd.Env = append(cmd.Env, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS=-no-color")
	cmd.Env = append(cmd.Env, environment...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("terraform %s in %s: %w\n%s", strings.Join(args, " "), dir, err, shortened(errs.String()+string(out)))
	}
	return string(out), nil
}

// shortened is the beginning of what Terraform has said: it may repeat itself for every element of a list.
func shortened(text string) string {
	const most = 4000
	if len(text) <= most {
		return text
	}
	return text[:most] + "\n(and more)"
}

// Copy copies the HCL of a folder to another one, without what Terraform has left in it.
func Copy(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		base := entry.Name()
		switch {
		case entry.IsDir() && name != from && (base == ".terraform" || base == "node_modules"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, relative), 0o750)
		case strings.HasPrefix(base, ".terraform") || strings.Contains(base, ".tfstate"):
			return nil
		}
		text, err := os.ReadFile(name) //nolint:gosec // below the folder that the caller names
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, relative), text, 0o600) //nolint:gosec // where the caller says, and below it
	})
}

// inCopy calls do with a copy of a folder, which is removed afterwards. The documentation lies beside it, as it does
// beside the folder, for tests that compare with it.
func inCopy(from string, do func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "tidewire-terraform-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if docs, err := filepath.Abs(filepath.Join(from, "..", "docs")); err == nil {
		if err := os.Symlink(docs, filepath.Join(dir, "docs")); err != nil {
			return err
		}
	}
	tree := filepath.Join(dir, "terraform")
	if err := Copy(from, tree); err != nil {
		return err
	}
	return do(tree)
}

// Step is a command of Terraform that Verify runs.
type Step struct {
	Name string // fmt, init, validate or test
	Dir  string // the module it is run in, relative to the tree
	Args []string
}

// Steps are what works of Terraform without a provider: the format of all files, and everything in those modules that need none.
func (t *Tree) Steps() []Step {
	all := []Step{{"fmt", ".", []string{"fmt", "-check", "-diff", "-recursive"}}}
	for _, dir := range t.WithoutProviders() {
		all = append(all,
			Step{"init", dir, []string{"init", "-backend=false", "-input=false"}},
			Step{"validate", dir, []string{"validate"}},
			Step{"test", dir, []string{"test"}})
	}
	return all
}

// Verify runs the steps in a copy of the tree and tells each of say before it runs. The error is that of all that failed.
func (t *Tree) Verify(ctx context.Context, say func(Step)) error {
	return inCopy(t.root, func(dir string) error {
		var faults []error
		for _, step := range t.Steps() {
			say(step)
			if _, err := Command(ctx, filepath.Join(dir, filepath.FromSlash(step.Dir)), step.Args...); err != nil {
				if errors.Is(err, ErrMissing) {
					return err
				}
				faults = append(faults, fmt.Errorf("%s: %w", step.Name, err))
			}
		}
		return errors.Join(faults...)
	})
}

// Outputs applies a module that needs no provider, with its variables, and returns its outputs. Nothing is made
// but a state in a copy of the folder, which is removed.
func Outputs(ctx context.Context, module string, variables map[string]any) (map[string]json.RawMessage, error) {
	given, err := json.Marshal(variables)
	if err != nil {
		return nil, fmt.Errorf("variables of %s: %w", module, err)
	}
	values := map[string]json.RawMessage{}
	err = inCopy(module, func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "given.auto.tfvars.json"), given, 0o600); err != nil {
			return err
		}
		if _, err := Command(ctx, dir, "init", "-backend=false", "-input=false"); err != nil {
			return err
		}
		if _, err := Command(ctx, dir, "apply", "-auto-approve", "-input=false"); err != nil {
			return err
		}
		out, err := Command(ctx, dir, "output", "-json")
		if err != nil {
			return err
		}
		var outputs map[string]struct{ Value json.RawMessage }
		if err := json.Unmarshal([]byte(out), &outputs); err != nil {
			return err
		}
		for name, output := range outputs {
			values[name] = output.Value
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("evaluating %s: %w", module, err)
	}
	return values, nil
}
