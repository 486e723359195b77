package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devstate"
)

// Without --tenants a token is for a dev that runs.
func TestTokenOfDev(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	refused := func(when string) {
		t.Helper()
		for _, args := range [][]string{{"--tenant", "acme"}, {"--operator"}} {
			out, errors, code := c.call("", append([]string{"token", "--user", "ann"}, args...)...)
			if code != exitFailed || out != "" || !strings.Contains(errors, "no dev server is running on this machine; run tidewire dev") {
				t.Errorf("%s: %d, %q, %s", when, code, out, errors)
			}
		}
	}
	refused("before there was a dev")
	dev := c.plain()
	dial(t, dev.URL, c.everything("acme"))
	dev.dev.stop()
	refused("after it has ended")
	again := c.plain()
	dial(t, again.URL, c.everything("acme"))
}

// A dev that was killed told nobody. What is at its address now may be another program.
func TestKilledDevIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	t.Cleanup(other.Close)
	down := httptest.NewServer(nil)
	down.Close()
	for name, url := range map[string]string{"nothing is there": down.URL, "another program is there": other.URL} {
		c := newConsole(t)
		killed := devstate.New(url, "", true)
		killed.Started = time.Now().Add(time.Hour)
		announce(t, c, killed)
		if out, errors, code := c.call("", "token", "--tenant", "acme", "--user", "ann"); code != exitFailed || out != "" {
			t.Errorf("%s: %d, %q, %s", name, code, out, errors)
		}
		c.plain() // and forgets the killed one
		if _, err := os.Stat(filepath.Join(c.state, "devs", killed.ID+".json")); err == nil {
			t.Errorf("%s: the killed dev is still remembered", name)
		}
		if _, errors, code := c.call("", "token", "--tenant", "acme", "--user", "ann"); code != 0 || errors != "" {
			t.Errorf("%s, beside one that runs: %d, %s", name, code, errors)
		}
	}
}

// announce writes what a dev tells the other commands.
func announce(t *testing.T, c *console, d devstate.Dev) {
	t.Helper()
	folder, err := devstate.Find(c.state)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Announce(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// Of several that run, it is the one that is named, or the newest one that has the tenant, and that is said.
func TestDevsSideBySide(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	first := c.dev("--demo=false", "--tenants", c.file(strings.ReplaceAll(twoTenants, "acme", "initech")))
	second := c.plain()
	tests := []struct {
		name, tenant string
		env          string
		args         []string
		at           string // where the token is good
		said         string
	}{
		{"the newest", "acme", "", nil, second.URL, "this token is for " + second.URL},
		{"the one with the tenant", "initech", "", nil, first.URL, "this token is for " + first.URL},
		{"named", "initech", "", []string{"--url", first.URL}, first.URL, ""},
		{"named with a slash", "initech", "", []string{"--url", first.URL + "/"}, first.URL, ""},
		{"named by another name", "initech", "", []string{"--url", strings.Replace(first.URL, "127.0.0.1", "localhost", 1)}, first.URL, ""},
		{"named in the environment", "initech", first.URL, nil, first.URL, ""},
		{"a flag wins", "acme", first.URL, []string{"--url", second.URL}, second.URL, ""},
	}
	for _, tt := range tests {
		c.environment.url = tt.env
		out, errors, code := c.call("", append([]string{"token", "--tenant", tt.tenant, "--user", "ann"}, tt.args...)...)
		if code != 0 || !strings.Contains(errors, tt.said) || tt.said == "" && errors != "" {
			t.Errorf("%s: %d, %s; want %q", tt.name, code, errors, tt.said)
			continue
		}
		dial(t, tt.at, strings.TrimSpace(out))
	}
	c.environment.url = ""
	for flag, want := range map[string]string{"--url": second.URL + "\n" + first.URL, "--tenant": "initech"} {
		if out, _, _ := c.call("", "__complete", "token", flag, ""); !strings.Contains(out, want) {
			t.Errorf("%s is completed by %s, want %s", flag, out, want)
		}
	}
	for name, args := range map[string][]string{
		"no dev is there":           {"--url", "http://127.0.0.1:1", "--tenant", "acme"},
		"that one lacks the tenant": {"--url", first.URL, "--tenant", "acme"},
		"none has the tenant":       {"--tenant", "hooli"},
		"an empty URL":              {"--url", "", "--tenant", "acme"},
	} {
		if out, errors, code := c.call("", append([]string{"token", "--user", "ann"}, args...)...); code != exitUsage || out != "" {
			t.Errorf("%s: %d, %q, %s", name, code, out, errors)
		}
	}
	second.dev.stop()
	if _, errors, code := c.call("", "token", "--tenant", "initech", "--user", "ann"); code != 0 || errors != "" {
		t.Errorf("with one left: %d, %s", code, errors)
	}
}
