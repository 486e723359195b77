package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// publish --socket goes the way of a page, and needs no tenant.
func TestPublishOverASocket(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	c.environment = environment{url: dev.URL, token: c.everything("acme")}
	tail := c.start("tail", "news:today")
	tail.says("reading news:today")
	if out, errors, code := c.call("", "publish", "--socket", "--channel", "news:today", "--key", "k", `{"n":1}`); code != 0 || out != "published 1\n" {
		t.Fatalf("%d, %s%s", code, out, errors)
	}
	if line := tail.line(); !strings.HasSuffix(line, ` news:today k {"n":1}`) {
		t.Errorf("the line is %s", line)
	}
	if out, _, code := c.call("", "publish", "--socket", "--json", "--channel", "news:today", "hello"); code != 0 || !strings.HasPrefix(out, `{"id":"`) {
		t.Errorf("%d, %s", code, out)
	}
	c.environment.token = c.token("acme", "--subscribe", "**")
	down := httptest.NewServer(nil)
	down.Close()
	for name, tt := range map[string]struct {
		args   []string
		code   int
		saying string
	}{
		"no grant":     {[]string{"publish", "--socket", "--channel", "news:today", "1"}, exitRefused, "grant"},
		"bad token":    {[]string{"publish", "--socket", "--token", "a.b.c", "--channel", "news:today", "1"}, exitRefused, "token"},
		"lines":        {[]string{"publish", "--socket", "--channel", "news:today", "-"}, exitUsage, "takes one DATA"},
		"nothing":      {[]string{"publish", "--socket", "--channel", "news:today"}, exitUsage, "takes one DATA"},
		"nobody there": {[]string{"publish", "--socket", "--url", down.URL, "--channel", "news:today", "1"}, exitUnavailable, "does not answer"},
		"no gateway":   {[]string{"call", "--url", dev.URL + "/metrics", "orders.place"}, exitRefused, "no gateway answers there"},
		"no route":     {[]string{"call", "orders.place", `{"amount":1}`}, exitRefused, ""},
		"broken data":  {[]string{"call", "orders.place", `{"amount":`}, exitUsage, "DATA: must be JSON"},
		"no question":  {[]string{"call"}, exitUsage, "takes ROUTE and DATA"},
	} {
		if out, errors, code := c.call("", tt.args...); code != tt.code || !strings.Contains(errors, tt.saying) || out != "" {
			t.Errorf("%s: %d, %q, %s; want %d and %q", name, code, out, errors, tt.code, tt.saying)
		}
	}
}
