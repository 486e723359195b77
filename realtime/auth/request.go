package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// Source says where in a request a token stood.
type Source string

// The places of a token.
const (
	SourceNone        Source = ""            // there is none
	SourceSubprotocol Source = "subprotocol" // an entry "bearer.<token>" of Sec-WebSocket-Protocol
	SourceHeader      Source = "header"      // Authorization: Bearer
	SourceQuery       Source = "query"       // ?token=, where logs and histories see it
)

// BearerPrefix begins the entry of Sec-WebSocket-Protocol that holds a token, the
// one header a page can set on a WebSocket. The server never answers with this entry.
const BearerPrefix = "bearer."

// ErrNoToken says that a request holds no token. A socket then waits for one in
// the first frame.
var ErrNoToken error = realtime.Errorf(realtime.CodeUnauthorized, "there is no token; send it as Authorization: Bearer, as the WebSocket subprotocol bearer.<token>, or in the first frame")

// TokenFromRequest returns the token of a request and where it stood, or
// SourceNone. A token that stands in the query as well as elsewhere counts as
// one from the query, since that is where it leaks. A request with two different
// tokens, or an empty one, is refused with CodeUnauthorized: which was meant is a guess.
//
// The token is not verified, and whether a query may hold one is the tenant's to
// say; VerifyRequest sees to both.
func TokenFromRequest(r *http.Request) (token string, source Source, err error) {
	token, source, err = tokenIn(r)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return "", SourceNone, refused.answer()
	}
	return token, source, nil
}

func tokenIn(r *http.Request) (token string, source Source, err error) {
	found := func(s string, at Source) {
		switch {
		case source != SourceNone && s != token:
			err = refuse(reasonTwoTokens, "in %s and %s", source, at)
		case s == "":
			err = refuse(reasonMalformed, "an empty token in %s", at)
		}
		token, source = s, at
	}
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for entry := range strings.SplitSeq(line, ",") {
			if s, ok := strings.CutPrefix(strings.TrimSpace(entry), BearerPrefix); ok {
				found(s, SourceSubprotocol)
			}
		}
	}
	for _, line := range r.Header["Authorization"] {
		// RFC 6750 section 2.1; the scheme's case is free (RFC 9110 section 11.1).
		if scheme, s, _ := strings.Cut(line, " "); strings.EqualFold(scheme, "Bearer") {
			found(strings.TrimSpace(s), SourceHeader)
		}
	}
	for _, s := range r.URL.Query()["token"] {
		found(s, SourceQuery)
	}
	if err != nil {
		return "", SourceNone, err
	}
	return token, source, nil
}
