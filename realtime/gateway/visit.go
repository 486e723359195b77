package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tidewire/tidewire/realtime/auth"
)

// visit is the request a client came with, as far as it matters later.
type visit struct {
	request *http.Request // Host, URL and Header
	remote  string
}

// kept returns the visit without what must not, or need not, stay in memory
// after the handler has returned: the token, the connection and its buffers, and unless a Connect hook is to see them
// all headers but the page's origin. A client can make its headers long.
func (v *visit) kept(hooked bool) *visit {
	r := v.request
	if hooked {
		return &visit{remote: v.remote, request: &http.Request{Host: r.Host, URL: r.URL, Header: withoutToken(r.Header)}}
	}
	header := http.Header{}
	for _, origin := range r.Header["Origin"] { // two of them are judged otherwise than one
		header["Origin"] = append(header["Origin"], strings.Clone(origin))
	}
	return &visit{remote: strings.Clone(v.remote), request: &http.Request{Host: strings.Clone(r.Host), URL: &url.URL{Path: r.URL.Path}, Header: header}}
}

// withoutToken returns the header of a request without what may hold its token.
func withoutToken(h http.Header) http.Header {
	h = h.Clone()
	h.Del("Authorization")
	var protocols []string
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for entry := range strings.SplitSeq(line, ",") {
			if entry = strings.TrimSpace(entry); !strings.HasPrefix(entry, auth.BearerPrefix) {
				protocols = append(protocols, entry)
			}
		}
	}
	h.Del("Sec-WebSocket-Protocol")
	if len(protocols) > 0 {
		h.Set("Sec-WebSocket-Protocol", strings.Join(protocols, ", "))
	}
	return h
}

func queryWithoutToken(u *url.URL) url.Values {
	q := u.Query()
	q.Del("token")
	return q
}
