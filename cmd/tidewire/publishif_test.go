package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// publish --if takes a key that is free, keeps it, gives it back, and says where the winner stands to whoever loses.
func TestPublishIf(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(strings.Replace(twoTenants, `"limits"`, `"namespaces": {"lock": {"state": {"durable": false}}}, "limits"`, 1)))
	c.environment = environment{url: dev.URL, token: c.everything("acme")}
	type answer struct {
		ID       string
		Applied  *bool
		Position string
	}
	ask := func(code int, args ...string) answer {
		t.Helper()
		out, errors, got := c.call("", append([]string{"publish", "--socket", "--channel", "lock:board", "--key", "lock:7", "--json"}, args...)...)
		var a answer
		if err := json.Unmarshal([]byte(out), &a); err != nil || got != code || a.ID == "" || a.Applied == nil || *a.Applied != (code == 0) {
			t.Fatalf("%v: %d, %s%s: %v; want %d", args, got, out, errors, err, code)
		}
		if code != 0 && (!strings.Contains(errors, `not published: key "lock:7"`) || !strings.Contains(errors, a.Position)) {
			t.Errorf("%v: says %s", args, errors)
		}
		return a
	}
	if a := ask(exitNotApplied, "--if", "present", "1"); a.Position != "" {
		t.Errorf("a key without a value is at %s", a.Position)
	}
	first := ask(0, "--if", "absent", "--ttl", "60s", `{"holder":"ann"}`)
	if !strings.HasSuffix(first.Position, "-"+first.ID) {
		t.Errorf("%+v", first)
	}
	if lost := ask(exitNotApplied, "--if", "absent", `{"holder":"bob"}`); lost.Position != first.Position {
		t.Errorf("the winner stands at %s, not %s", first.Position, lost.Position)
	}
	second := ask(0, "--if", first.Position, "--ttl", "60s", `{"holder":"ann"}`)
	if lost := ask(exitNotApplied, "--if", first.Position, "--delete"); lost.Position != second.Position {
		t.Errorf("the winner stands at %s, not %s", second.Position, lost.Position)
	}
	if gone := ask(0, "--if", second.Position, "--delete"); !strings.HasSuffix(gone.Position, "-"+gone.ID) {
		t.Errorf("a key was removed: %+v", gone)
	}
	if a := ask(exitNotApplied, "--if", "present", "1"); a.Position != "" {
		t.Errorf("a key that was removed is at %s", a.Position)
	}
	for name, tt := range map[string]struct {
		args   []string
		code   int
		saying string
	}{
		"words":            {[]string{"--socket", "--channel", "lock:board", "--key", "k", "--if", "absent", "1"}, 0, "published 1 at "},
		"words of a loser": {[]string{"--socket", "--channel", "lock:board", "--key", "none", "--if", "present", "1"}, exitNotApplied, "has no value"},
		"to the endpoint":  {[]string{"--tenant", "acme", "--channel", "lock:board", "--key", "k", "--if", "absent", "1"}, exitUsage, "--if: needs --socket"},
		"lines":            {[]string{"--tenant", "acme", "--if", "absent", "-"}, exitUsage, "--if: needs --socket"},
		"without a key":    {[]string{"--socket", "--channel", "lock:board", "--if", "absent", "1"}, exitUsage, "--if: needs --key"},
		"neither":          {[]string{"--socket", "--channel", "lock:board", "--key", "k", "--if", "gone", "1"}, exitUsage, "--if: must be absent, present or a position"},
		"nothing":          {[]string{"--socket", "--channel", "lock:board", "--key", "k", "--if", "", "1"}, exitUsage, "--if: must be"},
		"without state":    {[]string{"--socket", "--channel", "news:today", "--key", "k", "--if", "absent", "1"}, exitRefused, "state"},
		"a time too long":  {[]string{"--socket", "--channel", "lock:board", "--key", "k", "--if", "absent", "--ttl", "1h", "1"}, exitRefused, "ttl"},
	} {
		if out, errors, code := c.call("", append([]string{"publish"}, tt.args...)...); code != tt.code || !strings.Contains(out+errors, tt.saying) {
			t.Errorf("%s: %d, %s%s; want %d and %q", name, code, out, errors, tt.code, tt.saying)
		}
	}
	if _, errors, code := c.call(`{"channel":"lock:board","key":"k","data":1,"if":"absent"}`, "publish", "--tenant", "acme", "-"); code != exitRefused || !strings.Contains(errors, "if") {
		t.Errorf("a condition in a line: %d, %s", code, errors)
	}
}
