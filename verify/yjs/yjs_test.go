package yjs

import (
	"bytes"
	"context"
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
	"github.com/tidewire/tidewire/verify/npm"
)

// packages returns a folder with the scripts of clients/ and the packages that they need.
func packages(t *testing.T) string {
	t.Helper()
	modules, err := npm.Modules(t.Context(), "clients", "tidewire-yjs")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("clients")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return folder
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
