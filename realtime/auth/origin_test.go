package auth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

func TestAllowOrigin(t *testing.T) {
	t.Parallel()
	app, below, all := []string{"https://app.example.com"}, []string{"https://a.test", "https://*.example.com"}, []string{"*"}
	for _, c := range []struct {
		name    string
		origins []string
		host    string
		origin  string // of the page; empty for a request without
		want    bool
	}{
		{"no page", app, "gw", "", true},
		{"named", app, "gw", "https://app.example.com", true},
		{"named, another case", app, "gw", "HTTPS://APP.example.com", true},
		{"named, with its port", app, "gw", "https://app.example.com:443", true},
		{"another port", app, "gw", "https://app.example.com:8443", false},
		{"another scheme", app, "gw", "http://app.example.com", false},
		{"the other scheme's port", app, "gw", "http://app.example.com:443", false},
		{"another host", app, "gw", "https://example.com", false},
		{"the name as a beginning", app, "gw", "https://app.example.com.evil", false},
		{"the name as a user", app, "gw", "https://app.example.com@evil", false},
		{"the name as an end", app, "gw", "https://evilapp.example.com", false},
		{"a path", app, "gw", "https://app.example.com/", false},
		{"the gateway's own host is not implied", app, "gw", "https://gw", false},
		{"one label below", below, "gw", "https://x.example.com", true},
		{"two labels below", below, "gw", "https://y.x.example.com", true},
		{"not the name itself", below, "gw", "https://example.com", false},
		{"no label", below, "gw", "https://.example.com", false},
		{"not a name that ends so", below, "gw", "https://evilexample.com", false},
		{"a pattern as an origin", below, "gw", "https://*.evil", false},
		{"all", all, "gw", "https://anything", true},
		{"all, sandboxed", all, "gw", "null", true},
		{"sandboxed", app, "gw", "null", false},
		{"own host", nil, "gw.example.com", "https://gw.example.com", true},
		{"own host and port", nil, "127.0.0.1:8080", "http://127.0.0.1:8080", true},
		{"own host, its port said", nil, "gw.example.com:443", "https://gw.example.com", true},
		{"own host, IPv6", nil, "[::1]:8080", "http://[::1]:8080", true},
		{"own host, another port", nil, "127.0.0.1:8080", "http://127.0.0.1:8081", false},
		{"not own host", nil, "gw.example.com", "https://evil", false},
		{"not own host, sandboxed", nil, "gw.example.com", "null", false},
		{"no host", nil, "", "https://evil", false},
		{"no origin", nil, "gw", "https://", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/v1/socket", nil)
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if got := AllowOrigin(&realtime.Tenant{Origins: c.origins}, r); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Origin"] = []string{app[0], app[0]}
	if AllowOrigin(&realtime.Tenant{Origins: app}, r) {
		t.Error("two origins were allowed")
	}
}

func TestCheckOrigins(t *testing.T) {
	t.Parallel()
	for origin, good := range map[string]bool{
		"*": true, "https://app.example.com": true, "http://localhost:3000": true, "https://*.example.com": true,
		"": false, "app.example.com": false, "https://app.example.com/": false, "https://*": false, "https://*.": false,
		"https://a.*.example.com": false, "https://*.*.example.com": false, "null": false, "https://a?b": false, "https://a#b": false,
	} {
		err := CheckOrigins(&realtime.Tenant{Origins: []string{"*", origin}})
		if (err == nil) != good {
			t.Errorf("%q: %v", origin, err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "origins[1]: ") || realtime.CodeOf(err) != realtime.CodeBadRequest) {
			t.Errorf("%q: the error does not name the field: %v", origin, err)
		}
	}
}
