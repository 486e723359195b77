package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestToken(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	jwt := c.token("acme", "--tenants", c.file(twoTenants), "--group", "fx", "--group", "eu", "--ttl", "90s",
		"--manage", "users", "--manage", "tenant", "--subscribe", "prices:{group}", "--subscribe", "alerts:{user}", "--publish", "board:*")
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", jwt)
	}
	header, claims := claimsOf(t, parts[0]), claimsOf(t, parts[1])
	if ttl := claims["exp"].(float64) - claims["iat"].(float64); ttl != 90 {
		t.Errorf("it lasts %v s", ttl)
	}
	delete(claims, "exp")
	delete(claims, "iat")
	want := map[string]any{
		"tenant": "acme", "sub": "ann", "groups": []any{"fx", "eu"}, "manage": []any{"users", "tenant"},
		"channels": map[string]any{"subscribe": []any{"prices:{group}", "alerts:{user}"}, "publish": []any{"board:*"}},
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"alg": "HS256", "kid": "a", "typ": "JWT"}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func claimsOf(t *testing.T, part string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTokenRefuses(t *testing.T) {
	t.Parallel()
	file := newConsole(t).file(twoTenants)
	tests := []struct {
		name   string
		args   []string
		saying string
	}{
		{"no tenant", []string{"--user", "ann"}, "--tenant is missing"},
		{"no user", []string{"--tenant", "acme"}, "--user is missing"},
		{"unknown tenant", []string{"--tenant", "initech", "--user", "ann"}, `one of acme, globex, got "initech"`},
		{"bad pattern", []string{"--tenant", "acme", "--user", "ann", "--subscribe", "prices:**:x"}, "--subscribe"},
		{"bad publish pattern", []string{"--tenant", "acme", "--user", "ann", "--publish", "{role}"}, "--publish"},
		{"unknown part", []string{"--tenant", "acme", "--user", "ann", "--manage", "all"}, "--manage"},
		{"operator of a tenant", []string{"--tenant", "acme", "--user", "ann", "--operator"}, "belongs to no tenant"},
		{"operator without a name", []string{"--operator"}, "--user is missing"},
		{"operators without a name", []string{"--operators", "-"}, "--user is missing"},
		{"operators of a tenant", []string{"--tenant", "acme", "--user", "ann", "--operators", "-"}, "belongs to no tenant"},
		{"no time", []string{"--tenant", "acme", "--user", "ann", "--ttl", "0s"}, "--ttl"},
		{"bad time", []string{"--tenant", "acme", "--user", "ann", "--ttl", "soon"}, "--ttl"},
		{"arguments", []string{"--tenant", "acme", "--user", "ann", "please"}, "no arguments"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, errors, code := newConsole(t).call("", append([]string{"token", "--tenants", file}, tt.args...)...)
			if code != exitUsage || !strings.Contains(errors, tt.saying) || out != "" {
				t.Errorf("%d, %q, %q; want %q", code, out, errors, tt.saying)
			}
		})
	}
}

// An operator's token for a deployment is made of what its api is told.
func TestTokenOfOperators(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for name, call := range map[string]func() (string, string, int){
		"file": func() (string, string, int) {
			return c.call("", "token", "--operators", c.file(operatorKeys), "--user", "olga")
		},
		"pipe": func() (string, string, int) {
			return c.call(operatorKeys, "token", "--operators", "-", "--user", "olga")
		},
	} {
		out, errors, code := call()
		parts := strings.Split(strings.TrimSpace(out), ".")
		if code != 0 || len(parts) != 3 {
			t.Fatalf("%s: %d %s", name, code, errors)
		}
		header, claims := claimsOf(t, parts[0]), claimsOf(t, parts[1])
		if header["kid"] != "k1" || claims["tenant"] != "operators" || claims["sub"] != "olga" {
			t.Errorf("%s: %v %v", name, header, claims)
		}
	}
	for text, saying := range map[string]string{
		`{"keys":[{"alg":"HS256","secret":"short"}]}`: "auth.keys[0].secret",
		`{"keyz":[]}`: "keyz: unknown field",
		`{}`:          "no key that can sign",
		``:            "--operators",
	} {
		if _, errors, code := c.call(text, "token", "--operators", "-", "--user", "olga"); code != exitUsage || !strings.Contains(errors, saying) {
			t.Errorf("%s: %d %s, want %q", text, code, errors, saying)
		}
	}
	if _, errors, code := c.call("", "token", "--operators", "/nowhere", "--user", "olga"); code != exitUsage || !strings.Contains(errors, "/nowhere") {
		t.Errorf("%d %s", code, errors)
	}
}
