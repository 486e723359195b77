package intake

import (
	"bytes"
	"compress/flate"
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
// decompressed. Its codings are those of the header, and an *UnsupportedError if they are not served.
func ReadBody(w http.ResponseWriter, r *http.Request, into *bytes.Buffer, limit int64, within time.Duration) error {
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // rather than read what is refused
		return tooLarge(limit)
	}
	zipped, err := gzipped(r.Header)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(within)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return unreadable(err)
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, limit)
	if zipped {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return zipError(err, limit, within)
		}
		body = io.LimitReader(unzipped, limit+1)
	}
	if _, err := into.ReadFrom(body); err != nil && zipped {
		return zipError(err, limit, within)
	} else if err != nil {
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
	return realtime.Errorf(realtime.CodeTooLarge, "the body must be at most %d bytes; send less at a time", limit)
}

func bodyError(err error, limit int64, within time.Duration) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &realtime.Error{Code: realtime.CodeTimeout, Message: "the body did not arrive in " + within.String(), Err: err}
	}
	return unreadable(err)
}

// zipError is what went wrong when a body was read and decompressed. A body that ends before its gzip does looks like
// one whose connection was cut; either is the sender's to send again.
func zipError(err error, limit int64, within time.Duration) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return realtime.Errorf(realtime.CodeBadRequest, "the body is not valid gzip")
	}
	return bodyError(err, limit, within)
}

func unreadable(err error) error {
	return &realtime.Error{Code: realtime.CodeBadRequest, Message: "the body could not be read", Err: err}
}
