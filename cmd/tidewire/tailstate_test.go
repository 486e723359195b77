package main

import (
	"strings"
	"testing"
)

// tail --state prints what there is and then what changes, of what the filter lets through.
func TestTailState(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	file := c.file(strings.Replace(twoTenants, `"limits"`, `"namespaces": {"fleet": {"state": {"durable": false}}}, "limits"`, 1))
	dev := c.dev("--demo=false", "--tenants", file)
	c.environment = environment{url: dev.URL, token: c.everything("acme")}
	publish := func(args ...string) {
		t.Helper()
		if _, errors, code := c.call("", append([]string{"publish", "--tenant", "acme", "--channel", "fleet:eu"}, args...)...); code != 0 {
			t.Fatalf("%v: %s", args, errors)
		}
	}
	publish("--key", "v1", "--tag", "desk=eu", `{"lat":1,"secret":2}`)
	publish("--key", "v2", "--tag", "desk=us", `{"lat":3}`)
	tail := c.start("tail", "--state", "--filter", "tags.desk == 'eu'", "--fields", "lat", "--pretty", "fleet:eu")
	raw := c.start("tail", "--state", "--json", "--keys", "v1,w*", "--max-rate", "100", "--max-bytes", "100000", "fleet:eu")
	tail.says("fleet:eu: that was its state")
	raw.says("reading fleet:eu")
	if text := tail.line() + tail.line() + tail.line(); !strings.HasSuffix(text, ` fleet:eu v1 {  "lat": 1}`) {
		t.Errorf("the state is %s", text)
	}
	if line := raw.line(); !strings.HasPrefix(line, `{"type":"snapshot","channel":"fleet:eu","entries":[{"key":"v1",`) {
		t.Errorf("the snapshot is %s", line)
	}
	publish("--key", "v1", "--tag", "desk=us", "1")
	publish("--key", "v2", "--tag", "desk=eu", `"in"`)
	publish("--key", "v2", "--delete")
	for _, want := range []string{" fleet:eu v1 (left)", " fleet:eu v2 null", " fleet:eu v2 (deleted)"} {
		if line := tail.line(); !strings.HasSuffix(line, want) {
			t.Errorf("the line is %s, want %s", line, want)
		}
	}
	all := c.start("tail", "--state", "fleet:*")
	all.says("fleet:eu: that was its state")
	if line := all.line(); !strings.HasSuffix(line, " fleet:eu v1 1") {
		t.Errorf("the state of a channel of a pattern is %s", line)
	}
	all.says("fleet:*: those were the states of all its channels")
	for name, tt := range map[string]struct {
		args   []string
		code   int
		saying string
	}{
		"bad filter": {[]string{"--filter", "tags.desk = 'a'"}, exitRefused, "line 1, column 11"},
		"bad rate":   {[]string{"--max-rate", "0"}, exitUsage, "--max-rate: must be 0.05 to 1000, got 0"},
		"bad bytes":  {[]string{"--max-bytes", "10"}, exitUsage, "--max-bytes: must be 1000 to 1000000000, got 10"},
		"no state":   {[]string{"--state", "news:today"}, exitRefused, "state: "},
		"two forms":  {[]string{"--json", "--pretty"}, exitUsage, "--pretty: must not"},
	} {
		if _, errors, code := c.call("", append(append([]string{"tail"}, tt.args...), "fleet:eu")...); code != tt.code || !strings.Contains(errors, tt.saying) {
			t.Errorf("%s: %d, %s", name, code, errors)
		}
	}
}
