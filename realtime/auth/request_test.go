package auth

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

func TestTokenFromRequest(t *testing.T) {
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
		source Source
		code   realtime.Code
	}{
		{"none", "/", nil, "", SourceNone, ""},
		{"other things", "/?tokens=a", [][2]string{{protocol, "tidewire.v1.json"}, {header, "Basic YTpi"}}, "", SourceNone, ""},
		{"subprotocol", "/", [][2]string{{protocol, "tidewire.v1.json, bearer.a.b.c"}}, "a.b.c", SourceSubprotocol, ""},
		{"subprotocol in a line of its own", "/", [][2]string{{protocol, "tidewire.v1.json"}, {protocol, "bearer.a"}}, "a", SourceSubprotocol, ""},
		{"subprotocols are told apart by case", "/", [][2]string{{protocol, "Bearer.a"}}, "", SourceNone, ""},
		{"header", "/", [][2]string{{header, "Bearer a"}}, "a", SourceHeader, ""},
		{"scheme in another case, spaces", "/", [][2]string{{header, "BEARER   a "}}, "a", SourceHeader, ""},
		{"query", "/?x=1&token=a", nil, "a", SourceQuery, ""},
		{"escaped query", "/?%74oken=%61", nil, "a", SourceQuery, ""},
		{"the same everywhere counts as query", "/?token=a", [][2]string{{header, "Bearer a"}, {protocol, "bearer.a"}}, "a", SourceQuery, ""},
		{"two subprotocols", "/", [][2]string{{protocol, "bearer.a, bearer.b"}}, "", SourceNone, realtime.CodeUnauthorized},
		{"two headers", "/", [][2]string{{header, "Bearer a"}, {header, "Bearer b"}}, "", SourceNone, realtime.CodeUnauthorized},
		{"two in the query", "/?token=a&token=b", nil, "", SourceNone, realtime.CodeUnauthorized},
		{"header and subprotocol", "/", [][2]string{{header, "Bearer a"}, {protocol, "bearer.b"}}, "", SourceNone, realtime.CodeUnauthorized},
		{"header and query", "/?token=b", [][2]string{{header, "Bearer a"}}, "", SourceNone, realtime.CodeUnauthorized},
		{"empty header", "/", [][2]string{{header, "Bearer"}}, "", SourceNone, realtime.CodeUnauthorized},
		{"empty subprotocol", "/", [][2]string{{protocol, "bearer."}}, "", SourceNone, realtime.CodeUnauthorized},
		{"empty query", "/?token=", nil, "", SourceNone, realtime.CodeUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, c.url, nil)
			for _, h := range c.header {
				r.Header.Add(h[0], h[1])
			}
			token, source, err := TokenFromRequest(r)
			code := realtime.Code("")
			if err != nil {
				code = realtime.CodeOf(err)
			}
			if token != c.token || source != c.source || code != c.code {
				t.Errorf("got %q from %q, %q; want %q from %q, %q", token, source, code, c.token, c.source, c.code)
			}
		})
	}
}
