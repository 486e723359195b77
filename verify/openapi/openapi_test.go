package openapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/verify/npm"
	"github.com/tidewire/tidewire/verify/programs"
)

const description = "../../realtime/httpapi/openapi.json"

var built = programs.Of("cmd/tidewire")

func TestMain(m *testing.M) { goleak.VerifyTestMain(built.Main(m)) }

// folder is one with the packages, and with what is run there.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	modules, err := npm.Modules(t.Context(), "packages", "tidewire-openapi")
	if err != nil {
		t.Fatal(err)
	}
	in := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(in, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, description, "packages/package.json") {
		content, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(in, filepath.Base(name)), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// node runs a program in a folder and returns what it prints.
func node(t *testing.T, in string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = in
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// The linter finds nothing but what is meant so: a call that cannot be refused, and a handshake that is answered with 101.
func TestLint(t *testing.T) {
	t.Parallel()
	got := strings.Split(strings.TrimSpace(node(t, folder(t, "packages/lint.mjs"), "lint.mjs", "openapi.json")), "\n")
	want := []string{
		"operation-4xx-response #/paths/~1v1~1openapi.json/get/responses: Operation must have at least one `4XX` response.",
		"operation-2xx-response #/paths/~1v1~1socket/get/responses: Operation must have at least one `2XX` response.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-meant so +found):\n%s", diff)
	}
}

// A client whose types a generator makes of the description compiles, and manages a tenant of a server that runs.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	in := folder(t, "packages/manage.ts")
	node(t, in, "node_modules/openapi-typescript/bin/cli.js", "openapi.json", "-o", "schema.d.ts")
	node(t, in, "node_modules/typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--lib", "es2022,dom", "manage.ts")
	url, operator := serve(t)
	if out := node(t, in, "manage.js", url, operator); !strings.HasSuffix(out, "managed\n") {
		t.Error(out)
	}
}

// serve runs tidewire dev, and returns where, and an operator's token.
func serve(t *testing.T) (url, operator string) {
	t.Helper()
	binary, state := built.Path(t, "cmd/tidewire"), t.TempDir()
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(binary, args...)
		cmd.Env = append(os.Environ(), "TIDEWIRE_STATE="+state)
		return cmd
	}
	dev, log := command("dev", "--json", "--demo=false", "--addr", "127.0.0.1:0"), &bytes.Buffer{}
	dev.Stderr = log
	out, err := dev.StdoutPipe()
	if err == nil {
		err = dev.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := dev.Wait(); err != nil {
			t.Errorf("tidewire dev: %v\n%s", err, log)
		}
	})
	var said struct{ URL string }
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &said)
	}
	if err != nil {
		t.Fatalf("tidewire dev says %q: %v\n%s", line, err, log)
	}
	token, err := command("token", "--url", said.URL, "--operator", "--user", "olga").Output()
	if err != nil {
		t.Fatal(err)
	}
	return said.URL, strings.TrimSpace(string(token))
}
