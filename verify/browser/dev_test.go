package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// dev is a running `tidewire dev`.
type dev struct {
	URL     string
	Tenants []string
	Token   string // for all channels of the first tenant
}

// startDev starts the binary and ends it with the test.
func startDev(t *testing.T, binary string, args ...string) dev {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"dev", "--json", "--addr", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), "TIDEWIRE_STATE="+t.TempDir())
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
	var d dev
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
