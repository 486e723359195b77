package applied

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// stub is the folder with the providers' binaries, or why there is none.
var stub struct {
	dir string
	err error
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(built{m}) }

// built runs the tests with the stub in a folder of its own.
type built struct{ m *testing.M }

func (b built) Run() int {
	dir, err := os.MkdirTemp("", "tidewire-stub-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is in the folder for what is left
	stub.dir, stub.err = dir, build(context.Background(), dir)
	return b.m.Run()
}

// build makes both providers, which are one binary, and tells Terraform where they are.
func build(ctx context.Context, dir string) error {
	providers := []string{"terraform-provider-google", "terraform-provider-random"}
	for i, name := range providers {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o750); err != nil {
			return err
		}
		if i > 0 {
			if err := os.Link(filepath.Join(dir, providers[0], providers[0]), filepath.Join(folder, name)); err != nil {
				return err
			}
			continue
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(folder, name), ".") //nolint:gosec // our own names
		cmd.Dir = filepath.Join("..", "stub")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building the stub: %w\n%s", err, out)
		}
	}
	config := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"hashicorp/google\" = %q\n    \"hashicorp/random\" = %q\n  }\n}\n",
		filepath.Join(dir, providers[0]), filepath.Join(dir, providers[1]))
	return os.WriteFile(filepath.Join(dir, "terraform.rc"), []byte(config), 0o600)
}
