package auth

import (
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// Bearer returns the token of the Authorization header (RFC 6750 section 2.1). It is for
// APIs whose callers can set a header, where no other place is looked at; a request without a token has
// an error with CodeUnauthorized.
func Bearer(r *http.Request) (string, error) {
	lines := r.Header["Authorization"]
	if len(lines) == 1 {
		scheme, token, _ := strings.Cut(lines[0], " ")
		if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
			return token, nil
		}
	}
	return "", realtime.Errorf(realtime.CodeUnauthorized, "no token; send one as Authorization: Bearer")
}
