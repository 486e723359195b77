package problem_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial 10.0.0.7: password is hunter2")
	for _, c := range []struct {
		name    string
		problem *problem.Problem
		status  int
		header  map[string]string
		body    string
	}{
		{
			name:    "bad request",
			problem: problem.Of(realtime.Errorf(realtime.CodeBadRequest, "channel: is empty")),
			status:  400, header: map[string]string{"Retry-After": "", "WWW-Authenticate": ""},
			body: `{"type":"urn:tidewire:problem:bad-request","title":"The request is malformed","status":400,"detail":"channel: is empty","code":"bad-request"}`,
		},
		{
			name:    "limited",
			problem: problem.Of(&realtime.Error{Code: realtime.CodeLimited, Message: "slower", Limit: "framesPerSecond", RetryAfter: 1001 * time.Millisecond}),
			status:  429, header: map[string]string{"Retry-After": "2"},
			body: `{"type":"urn:tidewire:problem:limited","title":"Over a limit","status":429,"detail":"slower","code":"limited","limit":"framesPerSecond","retryAfterMs":1001}`,
		},
		{
			name:    "unavailable hides its cause, wherever it is wrapped",
			problem: problem.Of(fmt.Errorf("publish: %w", &realtime.Error{Code: realtime.CodeUnavailable, Message: "the broker is down", Err: secret})),
			status:  503, header: map[string]string{"Retry-After": "1"},
			body: `{"type":"urn:tidewire:problem:unavailable","title":"Temporarily unavailable","status":503,"detail":"the broker is down","code":"unavailable","retryAfterMs":1000}`,
		},
		{
			name:    "any other error",
			problem: problem.Of(secret),
			status:  500,
			body:    `{"type":"urn:tidewire:problem:internal","title":"Internal error","status":500,"detail":"internal error; the server has logged it","code":"internal"}`,
		},
		{
			name:    "unauthorized",
			problem: problem.Of(realtime.Errorf(realtime.CodeUnauthorized, "the token is not valid")),
			status:  401, header: map[string]string{"WWW-Authenticate": "Bearer"},
			body: `{"type":"urn:tidewire:problem:unauthorized","title":"A valid token is needed","status":401,"detail":"the token is not valid","code":"unauthorized"}`,
		},
		{
			name:    "a status of HTTP's own",
			problem: problem.WithStatus(http.StatusUnsupportedMediaType, realtime.Errorf(realtime.CodeBadRequest, "send JSON")),
			status:  415,
			body:    `{"type":"about:blank","title":"Unsupported Media Type","status":415,"detail":"send JSON","code":"bad-request"}`,
		},
		{
			name: "parts",
			problem: func() *problem.Problem {
				p := problem.Of(realtime.Errorf(realtime.CodeBadRequest, "1 of 2 events"))
				p.Errors = []problem.Part{{Index: 0, Code: realtime.CodeForbidden, Detail: "no grant"}}
				return p
			}(),
			status: 400,
			body:   `{"type":"urn:tidewire:problem:bad-request","title":"The request is malformed","status":400,"detail":"1 of 2 events","code":"bad-request","errors":[{"index":0,"code":"forbidden","detail":"no grant"}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			c.problem.Write(w)
			if diff := cmp.Diff(c.body, w.Body.String()); diff != "" || w.Code != c.status {
				t.Errorf("status %d, want %d; %s", w.Code, c.status, diff)
			}
			if got := w.Header().Get("Content-Type"); got != problem.ContentType {
				t.Errorf("Content-Type is %q", got)
			}
			for name, want := range c.header {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestEveryCodeHasItsStatus(t *testing.T) {
	t.Parallel()
	for _, code := range []realtime.Code{
		realtime.CodeBadRequest, realtime.CodeUnauthorized, realtime.CodeExpired, realtime.CodeForbidden,
		realtime.CodeSuspended, realtime.CodeNotFound, realtime.CodeTooLarge, realtime.CodeLimited, realtime.CodeTimeout,
		realtime.CodeReplaced, realtime.CodeTooSlow, realtime.CodeDraining, realtime.CodeUnavailable,
		realtime.CodeConflict, realtime.CodeInternal,
	} {
		w := httptest.NewRecorder()
		problem.Write(w, realtime.Errorf(code, "no"))
		if w.Code != code.Meaning().Status {
			t.Errorf("%s: status %d, want %d", code, w.Code, code.Meaning().Status)
		}
		later := w.Code == 429 || w.Code == 503
		if has := w.Header().Get("Retry-After") != ""; has != later {
			t.Errorf("%s: status %d has a Retry-After: %t", code, w.Code, has)
		}
	}
}

func ExampleWrite() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, realtime.Errorf(realtime.CodeNotFound, "there is no channel of this name"))
	})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 404 {"type":"urn:tidewire:problem:not-found","title":"Not found","status":404,"detail":"there is no channel of this name","code":"not-found"}
}
