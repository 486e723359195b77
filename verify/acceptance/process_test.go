package acceptance

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// process is a `tidewire dev` of its own, built from this tree as a user would, without the
// race detector: its figures are those of a server.
type process struct {
	*service
	cmd *exec.Cmd
	log strings.Builder
}

func startProcess(t *testing.T, docs ...*realtime.Tenant) *process {
	t.Helper()
	folder := t.TempDir()
	binary, tenants := built.Path(t, "cmd/tidewire"), filepath.Join(folder, "tenants.json")
	all := map[string]*realtime.Tenant{}
	for _, doc := range docs {
		all[doc.ID] = doc
	}
	file, err := json.Marshal(map[string]any{"tenants": all})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tenants, file, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{service: &service{t: t, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: patience}}}
	p.cmd = exec.Command(binary, "dev", "--json", "--demo=false", "--addr", "127.0.0.1:0", "--tenants", tenants)
	p.cmd.Env = append(os.Environ(), "TIDEWIRE_STATE="+filepath.Join(folder, "state"))
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("it does not start: %v", err)
	}
	var said struct{ URL string }
	if err := json.Unmarshal(line, &said); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(said.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.addr = u.Host
	return p
}

// stop asks it to end. It has to end well.
func (p *process) stop() {
	p.http.CloseIdleConnections()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%v\n%s", err, p.log.String())
	}
}

// figures are what /metrics says, by name.
type figures struct {
	t    *testing.T
	text []byte
}

func (p *process) figures() figures {
	p.t.Helper()
	res, err := p.http.Get("http://" + p.addr + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatal(res.Status, err)
	}
	return figures{p.t, text}
}

func (f figures) of(name string) float64 { return metricIn(f.t, f.text, name) }

func (f figures) sum(name string) float64 { return sumIn(f.t, f.text, name) }
