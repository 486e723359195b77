package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// stateCommand calls a command of state that succeeds.
func (c *console) stateCommand(args ...string) (out string) {
	c.t.Helper()
	out, errors, code := c.call("", append([]string{"state"}, args...)...)
	if code != 0 {
		c.t.Fatalf("state %q: %d, %s", args, code, errors)
	}
	return out
}

func (c *console) gets(want string, args ...string) {
	c.t.Helper()
	deadline := time.Now().Add(patient)
	for {
		out, errors, code := c.call("", append([]string{"state", "get", "acme", "fleet:eu"}, args...)...)
		if code == 0 && out == want {
			return
		}
		if time.Now().After(deadline) || code != 0 && code != exitUnavailable { // nothing is stored yet
			c.t.Fatalf("get %q: %d, %s, %q, want %q", args, code, errors, out, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestStateCommands(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	operator, errors, code := c.call("", "token", "--operator", "--user", "olga")
	if code != 0 {
		t.Fatal(errors)
	}
	c.environment.url, c.environment.token = dev.URL, strings.TrimSpace(operator)
	if _, errors, code := c.call(`{"tenants":{"acme":{"namespaces":{"fleet":{"state":{}}}}}}`, "tenants", "apply", "-"); code != 0 {
		t.Fatal(errors)
	}
	if id := strings.TrimSpace(c.stateCommand("set", "acme", "fleet:eu", "v17", `{"lat": 1}`, "--ttl", "1h", "--tag", "client=x")); id == "" || strings.ContainsAny(id, " \n") {
		t.Errorf("set printed %q", id)
	}
	c.stateCommand("set", "acme", "fleet:eu", "..", "two words")
	c.stateCommand("set", "acme", "fleet:eu", "a/b c%", "17", "--text")
	var answer struct{ ID string }
	if out := c.stateCommand("set", "acme", "fleet:eu", "w", "1", "--json"); json.Unmarshal([]byte(out), &answer) != nil || answer.ID == "" {
		t.Errorf("set --json printed %q", out)
	}
	c.gets("..\t\"two words\"\na/b c%\t\"17\"\nv17\t{\"lat\":1}\nw\t1\n")
	out := c.stateCommand("get", "acme", "fleet:eu", "--prefix", "v", "--json")
	var e struct {
		Key             string
		Position        string
		Time, ExpiresAt int64
		Tags            map[string]string
	}
	if err := json.Unmarshal([]byte(out), &e); err != nil || e.Key != "v17" || e.Position == "" || e.ExpiresAt != e.Time+time.Hour.Milliseconds() || e.Tags["client"] != "x" {
		t.Errorf("get --json printed %q: %+v, %v", out, e, err)
	}
	c.stateCommand("delete", "acme", "fleet:eu", "..")
	c.gets("a/b c%\t\"17\"\nv17\t{\"lat\":1}\nw\t1\n")
	c.stateCommand("clear", "acme", "fleet:eu")
	c.gets("")

	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no such command":   {[]string{"state", "put"}, exitUsage, `unknown command "put"`},
		"no channel":        {[]string{"state", "get", "acme"}, exitUsage, "takes TENANT and CHANNEL"},
		"bad data":          {[]string{"state", "set", "acme", "fleet:eu", "k", "{"}, exitUsage, "DATA: must be JSON"},
		"bad ttl":           {[]string{"state", "set", "acme", "fleet:eu", "k", "1", "--ttl", "1ms"}, exitUsage, "ttl"},
		"bad tag":           {[]string{"state", "set", "acme", "fleet:eu", "k", "1", "--tag", "x"}, exitUsage, "--tag: must be k=v"},
		"without state":     {[]string{"state", "get", "acme", "news:today"}, exitRefused, "namespaces.news has no state"},
		"an unknown tenant": {[]string{"state", "get", "hooli", "fleet:eu"}, exitRefused, "tenant"},
		"a bad channel":     {[]string{"state", "clear", "acme", "a::b"}, exitRefused, "empty segment"},
	} {
		if out, errors, code := c.call("", tt.args...); code != tt.code || !strings.Contains(errors, tt.says) || out != "" {
			t.Errorf("%s: %d, %q %q, want %d %q", name, code, out, errors, tt.code, tt.says)
		}
	}
}
