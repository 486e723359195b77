package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The management API of dev is open to its operator, and to the token that it prints.
func TestDevManages(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	if _, errors, code := c.call("", "token", "--operator", "--user", "olga"); code != exitFailed || !strings.Contains(errors, "run tidewire dev") {
		t.Errorf("before there was a dev: %d, %s", code, errors)
	}
	dev := c.plain()
	operator, errors, code := c.call("", "token", "--operator", "--user", "olga")
	if code != 0 {
		t.Fatalf("%d, %s", code, errors)
	}
	operator = strings.TrimSpace(operator)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patient}
	call := func(method, path, token, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, dev.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(answer)
	}
	page := dial(t, dev.URL, c.everything("acme"))
	for _, step := range []struct {
		method, path, token, body string
		status                    int
		saying                    string
	}{
		{"GET", "/v1/openapi.json", "", "", 200, `"openapi": "3.1.0"`},
		{"GET", "/v1/tenants", operator, "", 200, `{"tenants":["acme","globex"]}`},
		{"GET", "/v1/tenants", dev.Token, "", 403, "operators"},
		{"GET", "/v1/tenants/acme", dev.Token, "", 200, `"kid":"a"`},
		{"GET", "/v1/tenants/globex", dev.Token, "", 403, "belongs to another tenant"},
		{"PUT", "/v1/tenants/initech", operator, `{"auth":{"keys":[{"kid":"i","alg":"HS256","secret":"initech-initech-initech-initech-initech"}]}}`, 201, `"kid":"i"`},
		{"POST", "/v1/tenants/initech/tokens", operator, `{"user":"bob"}`, 200, `"token":"ey`},
		{"POST", "/v1/tenants/initech/users/bob/send", operator, `{"data":1}`, 404, "nobody is connected"},
		{"POST", "/v1/tenants/acme/publish", dev.Token, `{"channel":"news:today","data":1}`, 200, `"accepted":1`},
		{"POST", "/v1/tenants/acme/users/ann/logout", dev.Token, "", 200, `"user":"ann"`},
	} {
		if status, answer := call(step.method, step.path, step.token, step.body); status != step.status || !strings.Contains(answer, step.saying) {
			t.Errorf("%s %s: %d %s, want %d %s", step.method, step.path, status, answer, step.status, step.saying)
		}
	}
	page.untilClosed(4401)
}
