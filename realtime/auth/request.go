package auth

import (
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// place says where in a request a token stood.
type place string

const (
	nowhere       place = ""            // there is none
	inSubprotocol place = "subprotocol" // an entry "bearer.<token>" of Sec-WebSocket-Protocol
	inHeader      place = "header"      // Authorization: Bearer
	inQuery       place = "query"       // ?token=, where logs and histories see it
)

// BearerPrefix begins the entry of Sec-WebSocket-Protocol that holds a token, the
// one header a page can set on a WebSocket. The server never answers with this entry.
const BearerPrefix = "bearer."

// ErrNoToken says that a request holds no token. A socket then waits for one in
// the first frame.
var ErrNoToken error = realtime.Errorf(realtime.CodeUnauthorized, "no token; send it as Authorization: Bearer, as the WebSocket subprotocol bearer.<token>, or in the first frame")

// tokenIn returns the token of a request and where it stood, or nowhere. A token
// that stands in the query as well as elsewhere counts as one from the query, since that is where
// it leaks. A request with two different tokens, or an empty one, is refused: which was meant is a guess.
func tokenIn(r *http.Request) (token string, at place, err error) {
	found := func(s string, here place) {
		switch {
		case at != nowhere && s != token:
			err = refuse(reasonTwoTokens, "in %s and %s", at, here)
		case s == "":
			err = refuse(reasonMalformed, "an empty token in %s", here)
		}
		token, at = s, here
	}
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for entry := range strings.SplitSeq(line, ",") {
			if s, ok := strings.CutPrefix(strings.TrimSpace(entry), BearerPrefix); ok {
				found(s, inSubprotocol)
			}
		}
	}
	for _, line := range r.Header["Authorization"] {
		// RFC 6750 section 2.1; the scheme's case is free (RFC 9110 section 11.1).
		if scheme, s, _ := strings.Cut(line, " "); strings.EqualFold(scheme, "Bearer") {
			found(strings.TrimSpace(s), inHeader)
		}
	}
	for _, s := range r.URL.Query()["token"] {
		found(s, inQuery)
	}
	if err != nil {
		return "", nowhere, err
	}
	return token, at, nil
}
