package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devserver"
	gcloud "github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime/backend"
)

func TestDevServesEverything(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev()
	if diff := cmp.Diff([]string{"acme", "globex"}, dev.Tenants); diff != "" {
		t.Errorf("tenants (-want +got):\n%s", diff)
	}
	for path, want := range map[string]string{
		"/":            "<!doctype html>",
		"/tidewire.js": "export",
		"/healthz":     "ok",
		"/readyz":      "ok",
		"/metrics":     "go_goroutines",
	} {
		if body := get(t, dev.URL+path); !strings.Contains(body, want) {
			t.Errorf("%s: %.100q has no %q", path, body, want)
		}
	}
	// The replay goes through ingest to whoever may read it.
	tail := c.start("tail", "--json", "--url", dev.URL, "--token", dev.Token, "prices:equities")
	var message struct {
		Channel string
		Data    struct{ Price float64 }
	}
	if err := json.Unmarshal([]byte(tail.line()), &message); err != nil || message.Channel != "prices:equities" || message.Data.Price <= 0 {
		t.Errorf("%v, %+v", err, message)
	}
}

// The same on the emulators: its tenants are in Firestore, and what it shows came through Pub/Sub.
func TestDevOnGoogle(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.emulators = devserver.Emulators{PubSub: google.PubSub(t), Firestore: google.Firestore(t)}
	project := gcloud.Project(t)
	c.environment.project = project // GOOGLE_CLOUD_PROJECT
	dev := c.dev("--backend", "gcp")
	tail := c.start("tail", "--json", "--url", dev.URL, "--token", dev.Token, "prices:equities")
	var message struct {
		Channel string
		Data    struct{ Price float64 }
	}
	if err := json.Unmarshal([]byte(tail.line()), &message); err != nil || message.Channel != "prices:equities" || message.Data.Price <= 0 {
		t.Errorf("%v, %+v", err, message)
	}
	tail.stop()

	b, err := backend.Open(t.Context(), "gcp:"+project, backend.Options{PubSubEmulator: c.emulators.PubSub, FirestoreEmulator: c.emulators.Firestore})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	if acme, err := b.Tenants.Tenant(t.Context(), "acme"); err != nil || len(acme.Auth.Keys) != 1 {
		t.Errorf("in Firestore, acme is %+v, %v", acme, err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patient}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	return string(body)
}

// The secret is made at the first start, kept, and nobody else's to read.
func TestSecret(t *testing.T) {
	t.Parallel()
	secrets := map[string]bool{}
	for range 2 {
		c := newConsole(t)
		for range 2 {
			c.dev("--demo=false").dev.stop()
			for name, mode := range map[string]fs.FileMode{"": 0o700, "secret": 0o600, "devs": 0o700} {
				info, err := os.Stat(filepath.Join(c.state, name))
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode().Perm() != mode {
					t.Errorf("%q has mode %v", name, info.Mode().Perm())
				}
			}
			secret, err := os.ReadFile(filepath.Join(c.state, "secret"))
			if err != nil || len(secret) < 32 {
				t.Fatalf("%v, %d bytes", err, len(secret))
			}
			secrets[string(secret)] = true
		}
	}
	if len(secrets) != 2 {
		t.Errorf("two folders with two starts each made %d secrets", len(secrets))
	}
}

func TestDevRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // after the parallel cases
	tests := []struct {
		name   string
		file   string
		args   []string
		code   int
		saying string
	}{
		{"busy address", "", []string{"--addr", taken.Addr().String()}, exitFailed, "--addr 127.0.0.1:8090, or make dev PORT=8090"},
		{"no address", "", []string{"--addr", "nowhere"}, exitFailed, "--addr"},
		{"unknown backend", "", []string{"--backend", "floppy"}, exitUsage, `must be memory or gcp, got "floppy"`},
		{"no emulators", "", []string{"--backend", "gcp"}, exitUsage, "PUBSUB_EMULATOR_HOST"},
		{"arguments", "", []string{"now"}, exitUsage, "takes no arguments"},
		{"unknown flag", "", []string{"--adr", "x"}, exitUsage, "--adr"},
		{"no file", "", []string{"--tenants", "/nowhere"}, exitUsage, "/nowhere"},
		{"unknown field", `{"tenants":{"acme":{"limits":{"conections":1}}}}`, nil, exitUsage, "tenants.acme.limits.conections: unknown field"},
		{"short secret", `{"tenants":{"acme":{"auth":{"keys":[{"alg":"HS256","secret":"short"}]}}}}`, nil, exitUsage, "tenants.acme.auth.keys[0].secret"},
		{"bad origin", `{"tenants":{"acme":{"origins":["a b"]}}}`, nil, exitUsage, "tenants.acme.origins[0]"},
		{"no JSON", `{"tenants":`, nil, exitUsage, "file: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newConsole(t)
			args := append([]string{"dev", "--demo=false"}, tt.args...)
			if tt.file != "" {
				args = append(args, "--tenants", c.file(tt.file))
			}
			out, errors, code := c.call("", args...)
			if code != tt.code || !strings.Contains(errors, tt.saying) || out != "" {
				t.Errorf("%d, %q, %q; want %d and %q", code, out, errors, tt.code, tt.saying)
			}
		})
	}
}

// A dev whose tenants cannot sign gives no token, and serves.
func TestDevWithoutKeys(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(`{"tenants":{"acme":{}}}`))
	if dev.Token != "" {
		t.Errorf("there is a token: %s", dev.Token)
	}
	_, errors, code := c.call("", "token", "--tenant", "acme", "--user", "ann")
	if code != exitUsage || !strings.Contains(errors, "key") {
		t.Errorf("%d, %s", code, errors)
	}
}

func TestDrainOnSignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "dev", "--json", "--addr", "127.0.0.1:0")
			cmd.Env = append(os.Environ(), asCommand+"=1", "TIDEWIRE_STATE="+t.TempDir())
			log := &shared{}
			cmd.Stderr = log
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var dev said
			if err := json.NewDecoder(bufio.NewReader(out)).Decode(&dev); err != nil {
				t.Fatalf("%v\n%s", err, log)
			}
			page := dial(t, dev.URL, dev.Token)
			page.subscribe("prices:equities")
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if last := page.untilClosed(1012); last["code"] != "draining" || last["retryAfterMs"] == nil {
				t.Errorf("before its close it was told %v", last)
			}
			if err := cmd.Wait(); err != nil { // also if it has not ended in time
				t.Errorf("%v\n%s", err, log)
			}
		})
	}
}

func Example_usage() {
	code := run(context.Background(), std{out: os.Stdout, err: os.Stdout}, []string{"token", "--user", "ann"})
	fmt.Println("exit code", code)
	// Output:
	// tidewire: token: --tenant is missing; see tidewire token --help
	// exit code 2
}
