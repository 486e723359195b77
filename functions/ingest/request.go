package ingest

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// tenantIn returns the tenant of the path /v1/tenants/{tenant}/events.
func tenantIn(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/v1/tenants/")
	id, ends := strings.CutSuffix(rest, "/events")
	return id, ok && ends && realtime.CheckTenantID(id) == nil
}

// bearer returns the token of the Authorization header (RFC 6750 section 2.1).
// A producer can set a header, so no other place is looked at.
func bearer(r *http.Request) (string, error) {
	lines := r.Header["Authorization"]
	if len(lines) == 1 {
		scheme, token, _ := strings.Cut(lines[0], " ")
		if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
			return token, nil
		}
	}
	return "", realtime.Errorf(realtime.CodeUnauthorized, "there is no token; send one as Authorization: Bearer")
}

// readBody reads the whole body into s, in bounded memory and time: a body that
// trickles in is cut off however steadily it does.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request, s *scratch) error {
	if r.ContentLength > h.o.MaxBody {
		w.Header().Set("Connection", "close") // rather than read what is refused
		return h.tooLarge()
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(h.o.ReadTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return unreadable(err)
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, h.o.MaxBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return h.bodyError(err)
		}
		body = io.LimitReader(unzipped, h.o.MaxBody+1)
	}
	if _, err := s.body.ReadFrom(body); err != nil {
		return h.bodyError(err)
	}
	if int64(s.body.Len()) > h.o.MaxBody {
		return h.tooLarge()
	}
	// Nothing more is read, but the deadline would end the request while it is published.
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return unreadable(err)
	}
	return nil
}

func (h *handler) tooLarge() error {
	return realtime.Errorf(realtime.CodeTooLarge, "the body is over %d bytes; send fewer events at a time", h.o.MaxBody)
}

func (h *handler) bodyError(err error) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return h.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &realtime.Error{Code: realtime.CodeTimeout, Message: "the body did not arrive in " + h.o.ReadTimeout.String(), Err: err}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return realtime.Errorf(realtime.CodeBadRequest, "the body is not valid gzip")
	}
	return unreadable(err)
}

func unreadable(err error) error {
	return &realtime.Error{Code: realtime.CodeBadRequest, Message: "the body could not be read", Err: err}
}
