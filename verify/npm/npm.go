// Package npm fetches the packages that a lock file pins, once for each, for tests that run what others have published to npm.
package npm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Modules returns the folder node_modules of the packages that package-lock.json pins in a folder. It is kept in the cache of the user, below name, and must
// not be changed. It needs npm, and its registry the first time.
func Modules(ctx context.Context, folder, name string) (string, error) {
	lock, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	kept := filepath.Join(cache, name, hex.EncodeToString(sum[:8]))
	modules := filepath.Join(kept, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	return modules, fetch(ctx, folder, kept)
}

// fetch has npm fetch what is pinned in folder, and puts it where it is kept, in one step.
func fetch(ctx context.Context, folder, kept string) error {
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(kept), "fetching-")
	if err != nil {
		return err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(fresh, name), content, 0o644)
		}
		if err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci (.ci/tools installs npm): %w\n%s", err, out)
	}
	if err := os.Rename(fresh, kept); err != nil {
		if _, missing := os.Stat(kept); missing != nil { // nobody else was quicker
			return err
		}
		return os.RemoveAll(fresh)
	}
	return nil
}
