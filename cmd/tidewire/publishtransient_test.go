package main

import (
	"strings"
	"testing"
)

// publish --transient is taken where nothing is kept, and refused where it would be.
func TestPublishTransient(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.dev("--demo=false", "--tenants", c.file(strings.Replace(twoTenants, `"limits"`, `"namespaces": {"cursors": {"state": {"transient": true}}}, "limits"`, 1)))
	c.environment = environment{url: dev.URL, token: c.everything("acme")}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--channel", "cursors:7", "--key", "ann", "--transient", `{"x":1}`}, 0, "published 1\n"},
		{[]string{"--socket", "--channel", "cursors:7", "--key", "$connection", "--transient", `{"x":1}`}, 0, "published 1\n"},
		{[]string{"--channel", "board:7", "--key", "ann", "--transient", `{"x":1}`}, exitRefused, "transient"},
		{[]string{"--socket", "--channel", "board:7", "--key", "ann", "--transient", `{"x":1}`}, exitRefused, "transient"},
	} {
		out, errors, code := c.call("", append([]string{"publish", "--tenant", "acme"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errors, tt.want) {
			t.Errorf("%v: %d, %q, %q", tt.args, code, out, errors)
		}
	}
}
