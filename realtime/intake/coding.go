package intake

import (
	"mime"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// UnsupportedError is a body of a type, charset or coding that is not served. It is answered with 415, and with Header,
// which says what is (RFC 9110, section 15.5.16).
type UnsupportedError struct {
	Err          *realtime.Error
	Header, List string // such as Accept: application/json
}

func (e *UnsupportedError) Error() string { return e.Err.Error() }

// Unwrap returns the error with its Code.
func (e *UnsupportedError) Unwrap() error { return e.Err }

// unsupported is the error for a field that must be something else.
func unsupported(field, must, was, header, list string) error {
	return &UnsupportedError{realtime.Errorf(realtime.CodeBadRequest, "%s: must be %s, got %.64q", field, must, was), header, list}
}

// gzipped reports whether a body is compressed. Codings are case-insensitive and may be in several header lines, and
// identity means none (RFC 9110, sections 8.4.1 and 12.5.3). A body that is compressed twice is not served: nobody has a
// reason to send one, except to make us work.
func gzipped(h http.Header) (bool, error) {
	all := strings.Join(h["Content-Encoding"], ", ")
	zipped := 0
	for coding := range strings.SplitSeq(all, ",") {
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "", "identity":
		case "gzip", "x-gzip":
			zipped++
		default:
			zipped = 2
		}
	}
	if zipped > 1 {
		return false, unsupported("Content-Encoding", "gzip or identity", all, "Accept-Encoding", "gzip")
	}
	return zipped == 1, nil
}

// MediaType returns the type of a body in lower case, without its parameters, which are of no account except that the
// charset of text must be UTF-8. It is empty if the header is missing. list is what an error's Accept says.
func MediaType(h http.Header, list string) (string, error) {
	values := h["Content-Type"]
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1: // readers do not agree which of them counts
		return "", unsupported("Content-Type", "one media type", strings.Join(values, ", "), "Accept", list)
	case values[0] == "application/json":
		return values[0], nil // nearly all there are
	}
	media, parameters := parseType(values[0])
	if charset, ok := parameters["charset"]; ok && isText(media) && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return "", unsupported("Content-Type: charset", "utf-8", charset, "Accept", list)
	}
	return media, nil
}

// parseType returns a media type in lower case, and its parameters if they can be read.
func parseType(contentType string) (string, map[string]string) {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err == nil || media != "" {
		return media, parameters
	}
	media, _, _ = strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media)), nil
}

func isText(media string) bool {
	return isJSON(media) || strings.HasPrefix(media, "text/") || strings.Contains(media, "json")
}
