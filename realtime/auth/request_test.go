package auth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

func TestTokenInRequest(t *testing.T) {
	t.Parallel()
	const (
		protocol = "Sec-WebSocket-Protocol"
		header   = "Authorization"
	)
	for _, c := range []struct {
		name   string
		url    string
		header [][2]string
		token  string
		at     place
		code   realtime.Code
	}{
		{"none", "/", nil, "", nowhere, ""},
		{"other things", "/?tokens=a", [][2]string{{protocol, "tidewire.v1.json"}, {header, "Basic YTpi"}}, "", nowhere, ""},
		{"subprotocol", "/", [][2]string{{protocol, "tidewire.v1.json, bearer.a.b.c"}}, "a.b.c", inSubprotocol, ""},
		{"subprotocol in a line of its own", "/", [][2]string{{protocol, "tidewire.v1.json"}, {protocol, "bearer.a"}}, "a", inSubprotocol, ""},
		{"subprotocols are told apart by case", "/", [][2]string{{protocol, "Bearer.a"}}, "", nowhere, ""},
		{"header", "/", [][2]string{{header, "Bearer a"}}, "a", inHeader, ""},
		{"scheme in another case, spaces", "/", [][2]string{{header, "BEARER   a "}}, "a", inHeader, ""},
		{"query", "/?x=1&token=a", nil, "a", inQuery, ""},
		{"escaped query", "/?%74oken=%61", nil, "a", inQuery, ""},
		{"the same everywhere counts as query", "/?token=a", [][2]string{{header, "Bearer a"}, {protocol, "bearer.a"}}, "a", inQuery, ""},
		{"two subprotocols", "/", [][2]string{{protocol, "bearer.a, bearer.b"}}, "", nowhere, realtime.CodeUnauthorized},
		{"two headers", "/", [][2]string{{header, "Bearer a"}, {header, "Bearer b"}}, "", nowhere, realtime.CodeUnauthorized},
		{"two in the query", "/?token=a&token=b", nil, "", nowhere, realtime.CodeUnauthorized},
		{"header and subprotocol", "/", [][2]string{{header, "Bearer a"}, {protocol, "bearer.b"}}, "", nowhere, realtime.CodeUnauthorized},
		{"header and query", "/?token=b", [][2]string{{header, "Bearer a"}}, "", nowhere, realtime.CodeUnauthorized},
		{"empty header", "/", [][2]string{{header, "Bearer"}}, "", nowhere, realtime.CodeUnauthorized},
		{"empty subprotocol", "/", [][2]string{{protocol, "bearer."}}, "", nowhere, realtime.CodeUnauthorized},
		{"empty query", "/?token=", nil, "", nowhere, realtime.CodeUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, c.url, nil)
			for _, h := range c.header {
				r.Header.Add(h[0], h[1])
			}
			token, at, err := tokenIn(r)
			code := realtime.Code("")
			if refused := (*refusal)(nil); errors.As(err, &refused) {
				code = realtime.CodeOf(refused.answer())
			}
			if token != c.token || at != c.at || code != c.code {
				t.Errorf("got %q from %q, %q; want %q from %q, %q", token, at, code, c.token, c.at, c.code)
			}
		})
	}
}
