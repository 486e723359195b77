package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

func TestMain(m *testing.M) { cloudruntest.Main(m, main) }

const (
	secret    = "operators-operators-operators-operators"
	operators = `TIDEWIRE_OPERATORS={"keys":[{"kid":"o","alg":"HS256","secret":"` + secret + `"}]}`
)

// operator is a token that may do everything.
func operator(t *testing.T) string {
	t.Helper()
	signer, err := httpapi.NewOperatorSigner(realtime.Auth{Keys: []realtime.Key{{KID: "o", Alg: "HS256", Secret: secret}}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "ops", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Tenants are put, changed and written to by whoever is an operator, and by nobody else.
func TestService(t *testing.T) {
	t.Parallel()
	p := cloudruntest.Start(t, "TIDEWIRE_BACKEND=memory", operators)
	if p.URL == "" {
		t.Fatal(p.Log())
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(method, path, token, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, p.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	ops := operator(t)
	for _, step := range []struct {
		method, path, token, body string
		want                      int
		has                       string
	}{
		{"GET", "/healthz", "", "", 200, "ok"},
		{"GET", "/readyz", "", "", 200, "ok"},
		{"GET", "/metrics", "", "", 404, ""},
		{"GET", "/v1/openapi.json", "", "", 200, `"openapi"`},
		{"GET", "/v1/tenants", "", "", 401, "unauthorized"},
		{"PUT", "/v1/tenants/acme", ops, `{"limits":{"connections":5}}`, 200, ""},
		{"PUT", "/v1/tenants/acme", ops, `{"limits":{"conections":5}}`, 400, "limits.conections"},
		{"GET", "/v1/tenants", ops, "", 200, "acme"},
		{"POST", "/v1/tenants/acme/publish", ops, `{"channel":"prices:fx","data":1}`, 200, `"accepted"`},
		{"POST", "/v1/tenants/acme/suspend", ops, "", 200, ""},
	} {
		code, body := call(step.method, step.path, step.token, step.body)
		if code != step.want && (step.want != 200 || code/100 != 2) || !strings.Contains(body, step.has) {
			t.Errorf("%s %s: %d %s, want %d with %q", step.method, step.path, code, body, step.want, step.has)
		}
	}
	p.Terminate()
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.Log())
	}
}

func TestServiceThatCannotStart(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                         "is not set",
		"{":                        "line 1",
		`{"keyz":[]}`:              "keyz",
		`{}`:                       "must have a key or a jwksUrl",
		`{"keys":[{"alg":"ES1"}]}`: "ES1",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			e := environment.New(func(name string) (string, bool) {
				return map[string]string{"TIDEWIRE_BACKEND": "memory", "TIDEWIRE_OPERATORS": text}[name], true
			})
			readConfig(e)
			if err := e.Err(); err == nil || !strings.Contains(err.Error(), "TIDEWIRE_OPERATORS: ") || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, want %q", err, says)
			}
		})
	}
}

func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	cloudruntest.Documented(t, "../../docs/configuration.md", "api", func(e *environment.Reader) { readConfig(e) })
}
