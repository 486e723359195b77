package admission

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tidewire/tidewire/realtime/auth"
)

// Request is the HTTP request that a client came with, as far as it matters later.
type Request struct {
	http   *http.Request // Host, URL and Header
	remote string
}

// kept returns the request without what must not, or need not, stay in memory
// after the handler has returned: the token, the connection and its buffers, and unless a Connect hook is to see them
// all headers but the page's origin and what the client calls itself. A client can make its headers long.
func (r *Request) kept(hooked bool) *Request {
	h := r.http
	if hooked {
		return &Request{remote: r.remote, http: &http.Request{Host: h.Host, URL: h.URL, Header: withoutToken(h.Header)}}
	}
	header := http.Header{}
	for _, origin := range h.Header["Origin"] { // two of them are refused where one is not
		header["Origin"] = append(header["Origin"], strings.Clone(origin))
	}
	if agent := h.Header.Get("User-Agent"); agent != "" {
		header.Set("User-Agent", strings.Clone(agent[:min(len(agent), maxAgent)]))
	}
	return &Request{remote: strings.Clone(r.remote), http: &http.Request{Host: strings.Clone(h.Host), URL: &url.URL{Path: h.URL.Path}, Header: header}}
}

// maxAgent is how much is kept of a User-Agent.
const maxAgent = 256

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
