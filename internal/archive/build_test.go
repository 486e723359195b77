package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/freeport"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

// A main like the one that the buildpack writes beside the functions.
const mainFile = `package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	_ %q
)

func main() {
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
`

// build makes the binary of an archive's files as the buildpack does
// (GoogleCloudPlatform/buildpacks, cmd/go/functions_framework): it moves them into a folder, finds the one
// package in the root of it and the module's name, writes a main into a folder of that module, tidies
// and builds.
func build(t *testing.T, s staged) string {
	t.Helper()
	application := t.TempDir()
	folder := filepath.Join(application, "serverless_function_source_code")
	if err := s.extract(folder); err != nil {
		t.Fatal(err)
	}
	packages, err := parser.ParseDir(token.NewFileSet(), folder, nil, parser.ImportsOnly) //nolint:staticcheck // what the buildpack calls
	if err != nil || len(packages) != 1 {
		t.Fatalf("the root has %d packages, and has to have one: %v", len(packages), err)
	}
	declares := false
	for name, p := range packages {
		if name == "main" {
			t.Error("the package in the root is a main")
		}
		for _, f := range p.Files {
			for _, i := range f.Imports {
				declares = declares || i.Path.Value == `"github.com/GoogleCloudPlatform/functions-framework-go/functions"`
			}
		}
	}
	if !declares {
		t.Error("the package in the root does not import the framework, so the buildpack would take an old main")
	}
	module := strings.TrimSpace(command(t, folder, "go", "list", "-m"))
	if !strings.Contains(strings.Split(module, "/")[0], ".") {
		t.Errorf("the first element of the module's name %s has no dot", module)
	}
	main := filepath.Join(folder, "functions.local", "app")
	if err := os.MkdirAll(main, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(main, "main.go"), fmt.Appendf(nil, mainFile, module), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, folder, "go", "mod", "tidy")
	binary := filepath.Join(application, "main")
	command(t, folder, "go", "build", "-ldflags", "-s -w", "-o", binary, main)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the binary of all functions has %.1f MB", float64(info.Size())/1e6)
	buildCore(t, folder, main, info.Size())
	return binary
}

// buildCore builds what the functions other than crawler and filter are deployed as: it is smaller, and has no CEL.
func buildCore(t *testing.T, folder, main string, whole int64) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "core")
	command(t, folder, "go", "build", "-tags=core", "-ldflags", "-s -w", "-o", binary, main)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("with the tag core it has %.1f MB", float64(info.Size())/1e6)
	if info.Size() >= whole*9/10 {
		t.Errorf("with the tag core it has %d bytes, and %d without", info.Size(), whole)
	}
	for _, linked := range strings.Fields(command(t, folder, "go", "list", "-deps", "-tags=core", main)) {
		if strings.Contains(linked, "/cel-go/") || strings.HasSuffix(linked, "/functions/crawler") {
			t.Errorf("with the tag core it links %s", linked)
		}
	}
}

func command(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, complaints.String())
	}
	return string(out)
}

// function is a process that serves one of the functions.
type function struct {
	url  string
	cmd  *exec.Cmd
	log  *lines
	done chan struct{} // closed when it has ended
	err  error         // how, after done
}

// start starts a function with nothing but these variables. It is ended with the test.
func start(t *testing.T, binary, target string, env ...string) *function {
	t.Helper()
	addr := freeport.Addr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	f := &function{url: "http://" + addr, log: &lines{}, done: make(chan struct{})}
	f.cmd = exec.CommandContext(context.Background(), binary)
	f.cmd.Env = append([]string{"PORT=" + port, "FUNCTION_TARGET=" + target, "K_SERVICE=test"}, env...)
	f.cmd.Stdout, f.cmd.Stderr = f.log, f.log
	began := time.Now()
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		f.err = f.cmd.Wait()
		close(f.done)
	}()
	t.Cleanup(func() {
		_ = f.cmd.Process.Kill() // it may have ended
		<-f.done
		f.checkLog(t)
		if t.Failed() {
			t.Logf("%s said:\n%s", target, f.log)
		}
	})
	if f.listening(addr) {
		t.Logf("%s accepted %v after its start", target, time.Since(began).Round(time.Millisecond))
	}
	return f
}

// listening returns once the function accepts connections, or false once it has ended.
func (f *function) listening(addr string) bool {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-f.done:
			return false
		case <-ticker.C:
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close() // it was only to know
			return true
		}
	}
}

// ended returns how the process has ended.
func (f *function) ended(t *testing.T) error {
	t.Helper()
	select {
	case <-f.done:
		return f.err
	case <-t.Context().Done():
		t.Fatal("the function did not end")
		return nil
	}
}

// answer is what a function answers.
type answer struct {
	Status  int
	Header  http.Header
	Raw     string
	Code    string
	Detail  string
	Results []struct{ ID string }
}

func (f *function) post(t *testing.T, path, token, body string) answer {
	t.Helper()
	a, err := f.try(t.Context(), path, token, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (f *function) try(ctx context.Context, path, token string, body io.Reader) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+path, body)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if _, piped := body.(*io.PipeReader); piped {
		r.Header.Set("Expect", "100-continue")
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: res.StatusCode, Header: res.Header, Raw: string(raw)}
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &a)
	}
	return a, err
}

// lines is what a process says. It is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// said returns the first line that a function logs whose message contains text, as what JSON says. It waits for it until the
// function has ended: an answer may arrive before the line that was written ahead of it.
func (f *function) said(text string) map[string]any {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for ended := false; ; {
		for line := range strings.Lines(f.log.String()) {
			var fields map[string]any
			if json.Unmarshal([]byte(line), &fields) != nil {
				continue
			}
			if message, ok := fields["message"].(string); ok && strings.Contains(message, text) {
				return fields
			}
		}
		if ended {
			return nil
		}
		select {
		case <-ticker.C:
		case <-f.done:
			ended = true
		}
	}
}

// checkLog checks that Cloud Logging understands what the function has logged. The framework writes plain text besides.
func (f *function) checkLog(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(f.log.String()) {
		var fields map[string]any
		if !strings.HasPrefix(line, "{") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			continue // killed while it wrote
		}
		if err := cloudruntest.CloudLogging(fields); err != nil {
			t.Errorf("%v in %s", err, line)
		}
	}
}

// TestFunctions builds the archive once and runs what came of it.
func TestFunctions(t *testing.T) {
	t.Parallel()
	binary := build(t, stageModule(t))
	for name, test := range map[string]func(*testing.T, string){
		"memory":   testMemory,
		"probe":    testProbe,
		"settings": testSettings,
		"no such":  testNoSuchFunction,
		"drain":    testDrain,
		"cloud":    testCloud,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, binary)
		})
	}
}

func testMemory(t *testing.T, binary string) {
	f := start(t, binary, "ingest", "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+tenantsFile(t))
	for _, c := range []struct {
		name, path, token string
		status            int
	}{
		{"an event", "/v1/tenants/acme/events", signed(t, "acme", time.Hour), 200},
		{"no token", "/v1/tenants/acme/events", "", 401},
		{"another path", "/", "", 404},
	} {
		if a := f.post(t, c.path, c.token, `{"channel":"prices:fx","data":1,"id":"e1"}`); a.Status != c.status {
			t.Errorf("%s: answered %d, want %d: %s", c.name, a.Status, c.status, a.Raw)
		}
	}

	j := start(t, binary, "janitor", "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+tenantsFile(t))
	if a := j.post(t, "/", "", ""); a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("a janitor without anything to sweep answered %d: %s", a.Status, a.Raw)
	}
	if line := j.said("cannot start"); line["severity"] != "ERROR" || !strings.Contains(fmt.Sprint(line["error"]), "must be gcp:PROJECT for the janitor, got memory") {
		t.Errorf("its log says %v", line)
	}
}

// testProbe asks a probe of a deployment that is not there.
func testProbe(t *testing.T, binary string) {
	nowhere := "http://" + freeport.Addr(t)
	f := start(t, binary, "probe", "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+tenantsFile(t),
		"TIDEWIRE_GATEWAY="+nowhere, "TIDEWIRE_INGEST="+nowhere, "TIDEWIRE_PROBE_TENANT=acme")
	if a := f.post(t, "/", "", ""); a.Status != 503 || !strings.HasPrefix(a.Detail, "connect: ") {
		t.Errorf("answered %d: %s", a.Status, a.Raw)
	}
	if line := f.said("the probe failed"); line["severity"] != "ERROR" || line["stage"] != "connect" {
		t.Errorf("its log says %v", line)
	}

	g := start(t, binary, "probe", "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+tenantsFile(t))
	if err := g.ended(t); err == nil || !strings.Contains(g.log.String(), "TIDEWIRE_PROBE_TENANT: is not set") {
		t.Errorf("without its settings it ended with %v and said %s", err, g.log)
	}
}

func testSettings(t *testing.T, binary string) {
	f := start(t, binary, "ingest", "TIDEWIRE_BACKEND=redis", "TIDEWIRE_SHARDS=many")
	if err, exit := f.ended(t), (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	said := fmt.Sprint(f.said("cannot start")["error"])
	for _, name := range []string{"TIDEWIRE_BACKEND:", "TIDEWIRE_SHARDS:"} {
		if !strings.Contains(said, name) {
			t.Errorf("its log does not name %s: %s", name, f.log)
		}
	}
}

func testNoSuchFunction(t *testing.T, binary string) {
	f := start(t, binary, "nothing", "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+tenantsFile(t))
	if err := f.ended(t); err == nil || !strings.Contains(f.log.String(), `"nothing"`) {
		t.Errorf("it ended with %v and said %s", err, f.log)
	}
}

// testDrain asks a function to end while a request is inside.
func testDrain(t *testing.T, binary string) {
	f := start(t, binary, "ingest", "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+tenantsFile(t))
	token := signed(t, "acme", time.Hour)
	if a := f.post(t, "/v1/tenants/acme/events", token, `{"channel":"prices:fx","data":1}`); a.Status != 200 {
		t.Fatalf("answered %d: %s", a.Status, a.Raw)
	}
	body, rest := io.Pipe()
	inside, answered := make(chan struct{}), make(chan error, 1)
	go func() {
		// The server says 100 Continue when the function begins to read the body.
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(inside) }})
		a, err := f.try(ctx, "/v1/tenants/acme/events", token, body)
		if err == nil && a.Status != 200 {
			err = fmt.Errorf("answered %d: %s", a.Status, a.Raw)
		}
		answered <- err
	}()
	select {
	case <-inside:
	case err := <-answered:
		t.Fatalf("answered without its body: %v", err)
	}
	if err := f.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until it lets nobody in any more
		a, err := f.try(t.Context(), "/v1/tenants/acme/events", token, strings.NewReader(`{"channel":"prices:fx","data":1}`))
		if err != nil || a.Status == 503 {
			break
		}
	}
	if _, err := io.WriteString(rest, `{"channel":"prices:fx","data":1}`); err != nil {
		t.Fatal(err)
	}
	_ = rest.Close() // a pipe's Close never fails
	if err := <-answered; err != nil {
		t.Errorf("the request that was inside: %v", err)
	}
	if err := f.ended(t); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
