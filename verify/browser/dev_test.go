package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dev is a running `tidewire dev`.
type dev struct {
	URL     string
	Tenants []string
	Token   string // for all channels of the first tenant

	binary, state string // the command, and the folder in which it keeps what it is running
}

// token has the command make one.
func (d dev) token(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), d.binary, append([]string{"token", "--url", d.URL}, args...)...)
	cmd.Env = append(os.Environ(), "TIDEWIRE_STATE="+d.state)
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("tidewire token %v: %v\n%s", args, err, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// startDev starts the binary and ends it with the test.
func startDev(t *testing.T, binary string, args ...string) dev {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"dev", "--json", "--addr", "127.0.0.1:0"}, args...)...)
	state := t.TempDir()
	cmd.Env = append(os.Environ(), "TIDEWIRE_STATE="+state)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("ending tidewire dev: %v", err)
		}
		kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("tidewire dev: %v\n%s", err, &log)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("tidewire dev --json wrote no line: %v", err)
	}
	d := dev{binary: binary, state: state}
	if err := json.Unmarshal(line, &d); err != nil {
		t.Fatalf("tidewire dev --json wrote %q: %v", line, err)
	}
	return d
}

// tenantsFile writes a file of one tenant, acme, that differs from the demo's.
func tenantsFile(t *testing.T, acme string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(name, []byte(`{"tenants": {"acme": `+acme+`}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
