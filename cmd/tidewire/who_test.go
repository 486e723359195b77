package main

import (
	"strings"
	"testing"
)

// presence and demand say who is there and what is read, and whom they refuse.
func TestPresenceAndDemand(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(twoTenants))
	c.environment = environment{url: dev.URL, token: c.token("acme", "--subscribe", "**", "--presence", "**", "--demand", "**")}
	tail := c.start("tail", "--keys", "t1,t2", "--max-rate", "5", "sensors:1")
	tail.says("reading sensors:1")
	manager := c.token("acme", "--manage", "connections")
	for _, tt := range []struct {
		args []string
		code int
		want string // a part of what is printed, or of the error
	}{
		{[]string{"presence", "--tenant", "acme", "sensors:1"}, 0, "ann\n"},
		{[]string{"presence", "--tenant", "acme", "--json", "sensors:1"}, 0, `{"count":1,"members":[{"user":"ann"}]}`},
		{[]string{"presence", "--tenant", "acme", "sensors:2"}, 0, ""},
		{[]string{"demand", "--tenant", "acme", "sensors"}, 0, "sensors:1 watchers=1 users=1 since="},
		{[]string{"demand", "--tenant", "acme", "sensors"}, 0, " maxRate=5 keys=2\n"},
		{[]string{"demand", "--tenant", "acme", "--json", "sensors"}, 0, `{"channel":"sensors:1","watchers":1,"users":1,"keys":{"t1":1,"t2":1},"maxRate":5,"since":`},
		{[]string{"demand", "--tenant", "acme", "boards"}, 0, ""},
		{[]string{"demand", "--tenant", "acme", "a:b"}, exitUsage, "NAMESPACE: "},
		{[]string{"presence", "--tenant", "acme", "a b"}, exitUsage, "CHANNEL: "},
		{[]string{"presence"}, exitUsage, "one CHANNEL"},
		{[]string{"presence", "sensors:1"}, exitUsage, "--tenant is missing"},
		{[]string{"presence", "--tenant", "a/b", "sensors:1"}, exitUsage, "--tenant: "},
		{[]string{"channels", "--tenant", "acme", "--token", manager}, 0, "sensors:1 connections=1 users=1\n"},
		{[]string{"channels", "--tenant", "acme", "--token", manager, "--json"}, 0, `{"channel":"sensors:1","connections":1,"users":1}` + "\n"},
		{[]string{"channels", "--tenant", "acme", "--token", manager, "--prefix", "boards:"}, 0, ""},
		{[]string{"channels", "--tenant", "acme"}, exitRefused, "manage"},
		{[]string{"channels", "--tenant", "acme", "sensors"}, exitUsage, "no arguments"},
		{[]string{"demand", "--tenant", "acme", "--token", c.token("acme", "--subscribe", "**"), "sensors"}, exitRefused, "no grant"},
		{[]string{"presence", "--tenant", "acme", "--token", c.token("acme", "--subscribe", "**"), "sensors:1"}, exitRefused, "no grant"},
	} {
		out, errors, code := c.call("", tt.args...)
		if code != tt.code || !strings.Contains(out+errors, tt.want) {
			t.Errorf("%v: %d, %q, %q", tt.args, code, out, errors)
		}
	}
}
