package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A context stands in for flags and environment where neither names a server, and its tokens go to its own server alone.
func TestContexts(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(twoTenants))
	manager := c.file(c.token("acme", "--manage", "connections", "--manage", "explain", "--publish", "**"))
	for _, tt := range []struct {
		name string
		environment
		args []string
		code int
		want string // a part of what is printed, or of the error
	}{
		{"nothing", environment{}, []string{"channels", "--tenant", "acme"}, exitUsage, "no URL"},
		{"none to use", environment{}, []string{"context", "use", "local"}, exitUsage, `there is no context "local"; tidewire context add makes one`},
		{"a bad name", environment{}, []string{"context", "add", "Local", "--url", dev.URL}, exitUsage, "NAME: must be of a-z"},
		{"no URL", environment{}, []string{"context", "add", "local"}, exitUsage, `--url: must be an http or https URL, got ""`},
		{"another URL", environment{}, []string{"context", "add", "local", "--url", dev.URL, "--api-url", "x"}, exitUsage, "--api-url: must be"},
		{"a bad tenant", environment{}, []string{"context", "add", "local", "--url", dev.URL, "--tenant", "A"}, exitUsage, "--tenant: "},
		{"add", environment{}, []string{"context", "add", "local", "--url", dev.URL, "--tenant", "acme", "--token-file", manager}, 0, ""},
		{"by it", environment{}, []string{"channels"}, 0, ""},
		{"publish by it", environment{}, []string{"publish", "--channel", "news:1", "1"}, 0, ""},
		{"explain by it", environment{}, []string{"explain", "news:1"}, 0, "nobody reads news:1"},
		{"another tenant", environment{}, []string{"channels", "--tenant", "globex"}, exitRefused, "another tenant"},
		{"its token is for its server", environment{}, []string{"channels", "--tenant", "acme", "--url", dev.URL}, exitUsage, "no token"},
		{"nor for that of the environment", environment{url: dev.URL}, []string{"channels", "--tenant", "acme"}, exitUsage, "no token"},
		{"named over the environment", environment{url: "http://127.0.0.1:1", token: "x.y.z"}, []string{"channels", "--context", "local"}, 0, ""},
		{"named by the environment", environment{context: "local"}, []string{"channels"}, 0, ""},
		{"an unknown one", environment{context: "far"}, []string{"channels"}, exitUsage, `there is no context "far"; there are local`},
		{"two at once", environment{}, []string{"channels", "--context", "local", "--url", dev.URL}, exitUsage, "--url and --context: use only one of them"},
		{"a second", environment{}, []string{"context", "add", "far", "--url", "http://127.0.0.1:1", "--api-url", dev.URL, "--tenant", "acme", "--token-file", manager}, 0, ""},
		{"its API", environment{}, []string{"channels"}, 0, ""},
		{"list", environment{}, []string{"context", "list"}, 0, "*  far    http://127.0.0.1:1"},
		{"list as JSON", environment{}, []string{"context", "list", "--json"}, 0, `{"inUse":false,"name":"local","tenant":"acme","token":true,"url":"` + dev.URL + `"}`},
		{"use", environment{}, []string{"context", "use", "local"}, 0, ""},
		{"remove", environment{}, []string{"context", "remove", "local"}, 0, ""},
		{"it is gone", environment{}, []string{"channels", "--tenant", "acme"}, exitUsage, "no URL"},
		{"a typo", environment{}, []string{"context", "lst"}, exitUsage, `unknown command "lst" (did you mean list`},
		{"a typo of a command", environment{}, []string{"tenats"}, exitUsage, `(did you mean tenants?); see tidewire --help`},
	} {
		c.environment = tt.environment
		out, errors, code := c.call("", tt.args...)
		if code != tt.code || !strings.Contains(out+errors, tt.want) {
			t.Errorf("%s: %d, %q, %q", tt.name, code, out, errors)
		}
	}
	info, err := os.Stat(filepath.Join(c.state, "contexts.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error("others can read the tokens: ", info, err)
	}
}

// Keys are rotated by command, and the secret that the server makes is shown once.
func TestKeyCommands(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(twoTenants))
	out, errors, code := c.call("", "token", "--operator", "--user", "olga")
	if code != 0 {
		t.Fatal(errors)
	}
	c.environment = environment{url: dev.URL, token: out}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"list", "--tenant", "acme"}, 0, "a HS256\n"},
		{[]string{"add", "--tenant", "acme", "b"}, 0, "b HS256\na HS256\nsecret of b: "},
		{[]string{"add", "--tenant", "acme", "b"}, exitRefused, `already has a key with the kid "b"`},
		{[]string{"rotate", "--tenant", "acme", "--overlap", "1h", "a"}, 0, "a HS256 until "},
		{[]string{"rotate", "--tenant", "acme", "--overlap", "-1h", "a"}, exitUsage, "--overlap: must not be negative"},
		{[]string{"withdraw", "--tenant", "acme", "a"}, 0, "b HS256\n"},
		{[]string{"withdraw", "--tenant", "acme", "a"}, exitRefused, `the tenant has no key "a"`},
		{[]string{"list", "--tenant", "acme", "--json"}, 0, `{"kid":"b","alg":"HS256"}]}`},
		{[]string{"rotat"}, exitUsage, "did you mean rotate?"},
		{[]string{"add", "--tenant", "acme"}, exitUsage, "one KID"},
	} {
		out, errors, code := c.call("", append([]string{"keys"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errors, tt.want) {
			t.Errorf("%v: %d, %q, %q", tt.args, code, out, errors)
		}
		if strings.HasPrefix(tt.args[0], "list") && strings.Contains(out, "secret") {
			t.Errorf("%v shows a secret: %q", tt.args, out)
		}
	}
}
