package intake

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// ReadBody reads the whole body of a request, unzipped, in bounded memory and time: a body that
// trickles in is cut off however steadily it does. limit is how many bytes it may have, as sent and as
// decompressed.
func ReadBody(w http.ResponseWriter, r *http.Request, into *bytes.Buffer, limit int64, within time.Duration) error {
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // rather than read what is refused
		return tooLarge(limit)
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(within)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return unreadable(err)
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, limit)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return bodyError(err, limit, within)
		}
		body = io.LimitReader(unzipped, limit+1)
	}
	if _, err := into.ReadFrom(body); err != nil {
		return bodyError(err, limit, within)
	}
	if int64(into.Len()) > limit {
		return tooLarge(limit)
	}
	// Nothing more is read, but the deadline would end the request while it is worked on.
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return unreadable(err)
	}
	return nil
}

func tooLarge(limit int64) error {
	return realtime.Errorf(realtime.CodeTooLarge, "the body is over %d bytes; send less at a time", limit)
}

func bodyError(err error, limit int64, within time.Duration) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &realtime.Error{Code: realtime.CodeTimeout, Message: "the body did not arrive in " + within.String(), Err: err}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return realtime.Errorf(realtime.CodeBadRequest, "the body is not valid gzip")
	}
	return unreadable(err)
}

func unreadable(err error) error {
	return &realtime.Error{Code: realtime.CodeBadRequest, Message: "the body could not be read", Err: err}
}
