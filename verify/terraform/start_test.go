package terraform

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/internal/freeport"
)

var servers emulators.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(withStub{servers.Main(m)},
		// Started at import by a dependency of the Pub/Sub client, for as long as the process lives.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// TestStart starts every service and function with the environment that the HCL gives it, and asks it what Cloud Run
// asks. Only three things are otherwise than there: the emulators, the port, and who it runs as.
func TestStart(t *testing.T) {
	t.Parallel()
	d := ours()
	d.root()
	need(t, d.fault())
	folder := t.TempDir()
	build := []string{"build", "-o", folder + "/"}
	for _, main := range []string{"services/gateway", "services/api", "services/dashboard", "verify/fleet/function"} {
		build = append(build, "github.com/tidewire/tidewire/"+main)
	}
	if out, err := exec.CommandContext(t.Context(), "go", build...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for short, binary := range map[string]string{
		"gateway": "gateway", "api": "api", "dashboard": "dashboard", "ingest": "function", "janitor": "function", "keeper": "function", "probe": "function", "crawler": "function",
		"filter": "function",
	} {
		t.Run(short, func(t *testing.T) {
			t.Parallel()
			i, ok := d.program(short)
			if !ok {
				t.Fatalf("the HCL makes no %s", short)
			}
			p := start(t, d, short, i, filepath.Join(folder, binary))
			if path, ok := i.Text("template", "containers", "startup_probe", "http_get", "path"); ok {
				p.wants(t, http.MethodGet, path, http.StatusOK)
				if short == "gateway" {
					p.answers(t, d)
				}
				return
			}
			// A function has no probe: it serves once it listens. What it is given is judged at its start.
			status := map[string]int{"ingest": http.StatusUnauthorized, "janitor": http.StatusOK, "keeper": http.StatusOK, "crawler": http.StatusBadRequest, "filter": http.StatusOK}[short]
			path := map[string]string{"ingest": "/v1/tenants/acme/events", "janitor": "/", "keeper": "/", "probe": "/", "crawler": "/", "filter": "/"}[short]
			p.wants(t, http.MethodPost, path, status)
			// The probe finds neither its tenant nor a gateway here.
			if says := map[string]string{"janitor": "the janitor ran", "keeper": "the keeper ran", "probe": "the probe failed"}[short]; says != "" {
				p.says(t, says)
				extracted(t, d, p.log.String())
			}
		})
	}
}

// extracted compares what metrics take of a function's log lines with those it has written.
func extracted(t *testing.T, d *deployed, log string) {
	t.Helper()
	taken := 0
	for _, name := range sortedKeys(d.signals().LogMetrics) {
		metric := d.signals().LogMetrics[name]
		said := message.FindStringSubmatch(metric.Filter)
		if said == nil {
			continue
		}
		for line := range strings.Lines(log) {
			var fields map[string]any
			if json.Unmarshal([]byte(line), &fields) != nil || fields["message"] != said[1] {
				continue
			}
			if metric.Value != nil {
				taken++
				if _, number := extract(fields, *metric.Value).(float64); !number {
					t.Errorf("%s takes %s of %s", name, *metric.Value, line)
				}
			}
			for _, label := range metric.Labels {
				taken++
				if text, ok := extract(fields, label).(string); !ok || text == "" {
					t.Errorf("%s takes %s of %s", name, label, line)
				}
			}
		}
	}
	if taken == 0 {
		t.Errorf("no metric is made of what it said:\n%s", log)
	}
}

// extract finds what EXTRACT(jsonPayload.a.b) names, or nil.
func extract(fields map[string]any, extractor string) any {
	path := regexp.MustCompile(`^EXTRACT\(jsonPayload\.([A-Za-z_.]+)\)$`).FindStringSubmatch(extractor)
	if path == nil {
		return nil
	}
	var at any = fields
	for key := range strings.SplitSeq(path[1], ".") {
		of, _ := at.(map[string]any)
		at = of[key]
	}
	return at
}

// process is a program that was started.
type process struct {
	addr string
	log  *logbook
	done chan struct{} // closed when it has ended
}

func start(t *testing.T, d *deployed, short string, i Instance, binary string) *process {
	t.Helper()
	p := &process{addr: freeport.Addr(t), log: &logbook{}, done: make(chan struct{})}
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary)
	cmd.Env = []string{
		"PORT=" + port, "K_SERVICE=tidewire-" + short, "K_REVISION=tidewire-" + short + "-00001-abc", "HOME=" + t.TempDir(),
		"PUBSUB_EMULATOR_HOST=" + servers.PubSub(t), "FIRESTORE_EMULATOR_HOST=" + servers.Firestore(t),
		"GOOGLE_APPLICATION_CREDENTIALS=" + account(t),
	}
	if target, ok := i.Text("build_config", "entry_point"); ok {
		cmd.Env = append(cmd.Env, "FUNCTION_TARGET="+target)
	}
	for name, v := range i.Environment() {
		if v.Secret != "" {
			v.Value = stored(t, d, v.Secret)
		}
		cmd.Env = append(cmd.Env, name+"="+v.Value)
	}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // it is killed
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-p.done
		if t.Failed() {
			t.Logf("%s said:\n%s", short, p.log)
		}
	})
	return p
}

// stored is what the HCL puts into a secret.
func stored(t *testing.T, d *deployed, secret string) string {
	t.Helper()
	ids := map[string]string{}
	for _, i := range of(d.root(), "google_secret_manager_secret") {
		name, _ := i.Text("secret_id")
		ids[name] = reference(i)
	}
	plan, err := d.planned(".", "all there is")
	need(t, err)
	for _, s := range plan.Secrets {
		if s.Of == ids[secret] {
			return s.Value
		}
	}
	t.Fatalf("nothing is put into the secret %s", secret)
	return ""
}

// wants asks until the program answers, and then for this status.
func (p *process) wants(t *testing.T, method, path string, status int) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close() // nothing of it is read
			if status != 0 && response.StatusCode != status {
				t.Errorf("%s %s: %s, and not %d", method, path, response.Status, status)
			}
			return
		}
		select {
		case <-p.done:
			t.Fatalf("it ended before it answered:\n%s", p.log)
		case <-t.Context().Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

// answers asks what the uptime check asks from outside, and looks for what that looks for.
func (p *process) answers(t *testing.T, d *deployed) {
	t.Helper()
	asked := 0
	for _, i := range of(d.root(), "google_monitoring_uptime_check_config") {
		if i.Name != "gateway" {
			continue
		}
		asked++
		path, _ := i.Text("http_check", "path")
		status, _ := i.Number("http_check", "accepted_response_status_codes", "status_value")
		content, _ := i.Text("content_matchers", "content")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if closed := response.Body.Close(); err != nil || closed != nil {
			t.Fatal(err, closed)
		}
		if response.StatusCode != int(status) || content == "" || !strings.Contains(string(body), content) {
			t.Errorf("GET %s: %s %s, and the uptime check waits for %v and %q", path, response.Status, body, status, content)
		}
	}
	if asked == 0 {
		t.Error("no uptime check asks the gateway")
	}
}

// says waits until it has said something: what it writes comes a moment later.
func (p *process) says(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.log.String(), text) {
		select {
		case <-p.done:
			t.Fatalf("it ended and never said %q:\n%s", text, p.log)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-tick.C:
		}
	}
}

// account is the key of a service account that no Google knows, for what has to be somebody to start.
func account(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "tidewire-test", "private_key_id": "1", "client_email": "tidewire@tidewire-test.iam.gserviceaccount.com",
		"client_id": "1", "token_uri": "http://127.0.0.1:1/token", "private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// logbook keeps what a process writes.
type logbook struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.text.String())
}
