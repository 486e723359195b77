package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What init writes works: the server serves the page and its token, the producer publishes, and who reads as the page does sees the newest of each sensor.
func TestInit(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	folder := filepath.Join(t.TempDir(), "my page")
	out, errors, code := c.call("", "init", folder)
	if code != 0 || !strings.Contains(out, "--page .") {
		t.Fatalf("%d, %s%s", code, out, errors)
	}
	if info, err := os.Stat(filepath.Join(folder, "tenants.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("tenants.json: %v, %v", info.Mode(), err)
	}
	tenants := filepath.Join(folder, "tenants.json")
	dev := c.start("dev", "--json", "--addr", "127.0.0.1:0", "--demo=false", "--tenants", tenants, "--page", folder)
	var self struct{ URL string }
	if err := json.Unmarshal([]byte(dev.line()), &self); err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		res, err := http.Get(self.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	for path, want := range map[string]string{"/": "page.js", "/page.js": "sensors:hall", "/tidewire.js": "connect"} {
		if code, body := get(path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.100s", path, code, body)
		}
	}
	for _, path := range []string{"/tenants.json", "/.git/config"} {
		if code, body := get(path); code != http.StatusNotFound {
			t.Errorf("%s: %d %.100s", path, code, body)
		}
	}
	_, token := get("/token")

	producer := exec.CommandContext(t.Context(), "node", "producer.mjs")
	producer.Dir = folder
	may := c.token("app", "--tenants", tenants, "--publish", "sensors:*")
	producer.Env = append(os.Environ(), "TIDEWIRE_URL="+self.URL, "TIDEWIRE_TOKEN="+may)
	var said shared
	producer.Stderr = &said
	if err := producer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = producer.Process.Kill()
		_ = producer.Wait()
	})
	page := dial(t, self.URL, token)
	page.send(`{"type":"subscribe","id":1,"channel":"sensors:hall","state":true}`)
	sensors := map[string]bool{}
	note := func(e any) {
		if entry, ok := e.(map[string]any); ok && entry["key"] != nil {
			sensors[entry["key"].(string)] = true
		}
	}
	for len(sensors) < 3 {
		f := page.frame()
		note(f)
		for _, list := range []string{"entries", "changes"} {
			all, _ := f[list].([]any)
			for _, e := range all {
				note(e)
			}
		}
	}
	if said.String() != "" {
		t.Errorf("the producer said %s", said.String())
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errors, code := c.call("", "init", folder); code != exitUsage || !strings.Contains(errors, "mine") {
		t.Errorf("%d, %s", code, errors)
	}
	for _, flags := range [][]string{{"--page", folder}, {"--demo=false", "--page", filepath.Join(folder, "mine")}} {
		if _, errors, code := c.call("", append([]string{"dev"}, flags...)...); code != exitUsage || !strings.Contains(errors, "--page") {
			t.Errorf("%v: %d, %s", flags, code, errors)
		}
	}
}
