package main

import (
	"strings"
	"testing"
)

// From "nothing arrives" to the reason, by one command.
func TestExplain(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(twoTenants))
	c.environment = environment{url: dev.URL, token: c.token("acme", "--manage", "explain", "--subscribe", "sensors:**")}
	tail := c.start("tail", "--filter", "num(tags.level) > 3", "sensors:1")
	tail.says("reading sensors:1")
	mine, theirs := c.file(c.token("acme", "--subscribe", "boards:**")), c.file(c.token("globex", "--subscribe", "**"))
	for _, tt := range []struct {
		args []string
		code int
		want string // a part of what is printed, or of the error
	}{
		{[]string{"sensors:1", "--tag", "level=5"}, 0, ": delivered\n"},
		{[]string{"sensors:1", "--tag", "level=2"}, 0, ": filtered by subscription.filter: num(tags.level) > 3 is false\n"},
		{[]string{"sensors:1"}, 0, "tags.level"},
		{[]string{"sensors:2"}, 0, "publish: accepted\nnobody reads sensors:2\n"},
		{[]string{"--user", "ann", "sensors:2"}, 0, ": not-subscribed: it reads sensors:1\n"},
		{[]string{"--user", "ann", "boards:2"}, 0, ": no-grant by token.grants.subscribe: no pattern of the token selects \"boards:2\"; it reads sensors:1\n"},
		{[]string{"--user", "bob", "sensors:1"}, 0, "bob is not connected to this tenant\n"},
		{[]string{"--for-token-file", mine, "sensors:1"}, 0, "connect with the token: accepted\nsubscribe as ann: refused (forbidden): channel: no grant to subscribe to \"sensors:1\"\n"},
		{[]string{"--for-token-file", theirs, "sensors:1"}, 0, "connect with the token: refused (forbidden): the token is of tenant \"globex\"\n"},
		{[]string{"--json", "--tag", "level=5", "sensors:1"}, 0, `"outcome":"delivered"}],"complete":true}`},
		{[]string{"sensors:1", "[1"}, exitUsage, "DATA: "},
		{[]string{"a b"}, exitUsage, "CHANNEL: "},
		{[]string{"--limit", "1001", "sensors:1"}, exitUsage, "--limit: must be 1 to 1000, got 1001"},
		{[]string{"--tag", "x", "sensors:1"}, exitUsage, "--tag"},
		{[]string{"--token", c.token("acme", "--subscribe", "**"), "sensors:1"}, exitRefused, "explain"},
	} {
		out, errors, code := c.call("", append([]string{"explain", "--tenant", "acme"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errors, tt.want) {
			t.Errorf("%v: %d, %q, %q", tt.args, code, out, errors)
		}
	}
}
