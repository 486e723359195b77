package main

import (
	"strings"
	"testing"
)

// tail prints what comes of all channels that a pattern selects, as it prints that of channels.
func TestTailPattern(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(twoTenants))
	c.environment = environment{url: dev.URL, token: c.everything("acme")}
	tail := c.start("tail", "--filter", "tags.desk == 'eu'", "--max-rate", "100", "--fields", "bid", "--pretty", "prices:*")
	raw := c.start("tail", "--json", "prices:**", "prices:fx")
	tail.says("reading prices:*")
	raw.says("reading prices:")
	raw.says("reading prices:")
	for _, args := range [][]string{
		{"--channel", "prices:fx", "--key", "v1", "--tag", "desk=eu", `{"ask":2,"bid":1}`}, {"--channel", "prices:fx", "--tag", "desk=us", "1"},
		{"--channel", "prices:a:b", "--tag", "desk=eu", "1"}, {"--channel", "prices:eq", "--key", "v2", "--tag", "desk=eu", `{"bid":2}`},
	} {
		if _, errors, code := c.call("", append([]string{"publish", "--tenant", "acme"}, args...)...); code != 0 {
			t.Fatalf("%v: %s", args, errors)
		}
	}
	if text := tail.line() + tail.line() + tail.line(); !strings.HasSuffix(text, ` prices:fx v1 {  "bid": 1}`) {
		t.Errorf("the first is %s", text)
	}
	if text := tail.line() + tail.line() + tail.line(); !strings.HasSuffix(text, ` prices:eq v2 {  "bid": 2}`) {
		t.Errorf("the second is %s", text)
	}
	counts := map[string]int{}
	for range 6 { // two of prices:fx twice
		line := raw.line()
		_, rest, _ := strings.Cut(line, `"channel":"`)
		name, _, _ := strings.Cut(rest, `"`)
		counts[name]++
	}
	if counts["prices:fx"] != 4 || counts["prices:a:b"] != 1 || counts["prices:eq"] != 1 {
		t.Errorf("%v", counts)
	}
	for name, tt := range map[string]struct {
		args   []string
		code   int
		saying string
	}{
		"since":     {[]string{"--since", "1767225600123-e1", "prices:*"}, exitUsage, "--since: must not"},
		"misplaced": {[]string{"prices:**:a"}, exitUsage, "CHANNEL: "},
		"braces":    {[]string{"{user}:*"}, exitUsage, "CHANNEL: "},
	} {
		if _, errors, code := c.call("", append([]string{"tail"}, tt.args...)...); code != tt.code || !strings.Contains(errors, tt.saying) {
			t.Errorf("%s: %d, %s", name, code, errors)
		}
	}
}
