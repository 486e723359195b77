package yjs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime/yjs"
)

// packages returns a folder with the scripts of clients/ and the packages that they need, which npm fetches once for each lock file.
func packages(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("clients/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	sum := sha256.Sum256(lock)
	kept := filepath.Join(cache, "tidewire-yjs", hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(kept); err != nil {
		fetch(t, kept)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("clients")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(kept, "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return folder
}

func fetch(t *testing.T, kept string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(kept), "fetching-")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("clients", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(fresh, name), content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci (.ci/tools installs npm): %v\n%s", err, out)
	}
	if err := os.Rename(fresh, kept); err != nil {
		if _, missing := os.Stat(kept); missing != nil { // nobody else was quicker
			t.Fatal(err)
		}
		_ = os.RemoveAll(fresh)
	}
}

// node runs a script and returns what it printed.
func node(t *testing.T, folder string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{"--no-warnings"}, args...)...)
	cmd.Dir = folder
	var said, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &failed
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %v\n%s%s", args[:2], errors.Join(err, ctx.Err()), &said, &failed)
	}
	return said.String()
}

// Editors with gateways that are cut and killed, who go on offline and come back, have the same document in the end, as who comes late has; nobody has
// what somebody wrote who may only read. make soak has a hundred of these worlds.
func TestEditorsConverge(t *testing.T) {
	t.Parallel()
	folder := packages(t)
	first, worlds := environment("TIDEWIRE_SEED", 1), environment("TIDEWIRE_WORLDS", 4)
	places := make(chan struct{}, 2)
	var running sync.WaitGroup
	for seed := first; seed < first+worlds; seed++ {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				f := startFleet(t, 3)
				said := node(t, folder, "world.mjs", strconv.Itoa(seed), f.control().URL, token(t, true), token(t, false))
				t.Log(said)
			})
		})
	}
	running.Wait()
}

// What the server makes of the updates of random documents is the document for Yjs itself: in one, in parts, and without what somebody has.
func TestUnionsAreTheDocument(t *testing.T) {
	t.Parallel()
	folder := packages(t)
	control := httptest.NewServer(http.HandlerFunc(unite))
	t.Cleanup(control.Close)
	first := environment("TIDEWIRE_SEED", 1)
	for seed := first; seed < first+environment("TIDEWIRE_WORLDS", 4); seed++ {
		t.Log(node(t, folder, "unions.mjs", strconv.Itoa(seed), control.URL))
	}
}

// unite answers with what the server makes of updates.
func unite(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Updates, Half [][]byte
		Most          int
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	merged := func(encoded [][]byte) *yjs.Update {
		all := make([]*yjs.Update, len(encoded))
		for i, b := range encoded {
			u, bad := yjs.Parse(b)
			if all[i] = u; bad != nil {
				err = errors.Join(err, bad)
				all[i] = yjs.Merge(nil)
			}
		}
		return yjs.Merge(all)
	}
	union, half := merged(asked.Updates), merged(asked.Half)
	parts, ok := union.Split(asked.Most)
	if err != nil || !ok {
		http.Error(w, fmt.Sprint(ok, err), http.StatusBadRequest)
		return
	}
	rest := union.Without(half.Edits(), half.Deleted())
	_ = json.NewEncoder(w).Encode(map[string]any{"union": union.Append(nil), "parts": parts, "rest": rest.Append(nil), "vector": union.Edits().StateVector()})
}
