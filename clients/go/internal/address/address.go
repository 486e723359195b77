// Package address reads the addresses of servers.
package address

import (
	"net/url"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// Parse parses the address of a server, and returns it with http or https. An error has code CodeBadRequest and names the field.
func Parse(field, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	shown, _, _ := strings.Cut(address, "?") // behind it may be a token
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ws" && u.Scheme != "wss":
		return nil, realtime.Errorf(realtime.CodeBadRequest, "%s: must be an address such as https://gateway.example.com, got %.100q", field, shown)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, realtime.Errorf(realtime.CodeBadRequest, "%s: must have no query, fragment or user; a token has no place in an address", field)
	}
	if rest, ok := strings.CutPrefix(u.Scheme, "ws"); ok {
		u.Scheme = "http" + rest
	}
	return u, nil
}
