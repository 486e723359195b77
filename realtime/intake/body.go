package intake

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// readBody reads the whole body into s, in bounded memory and time: a body that
// trickles in is cut off however steadily it does.
func (in *Intake) readBody(w http.ResponseWriter, r *http.Request, s *scratch) error {
	if r.ContentLength > in.o.MaxBody {
		w.Header().Set("Connection", "close") // rather than read what is refused
		return in.tooLarge()
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(in.o.ReadTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return unreadable(err)
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, in.o.MaxBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return in.bodyError(err)
		}
		body = io.LimitReader(unzipped, in.o.MaxBody+1)
	}
	if _, err := s.body.ReadFrom(body); err != nil {
		return in.bodyError(err)
	}
	if int64(s.body.Len()) > in.o.MaxBody {
		return in.tooLarge()
	}
	// Nothing more is read, but the deadline would end the request while it is published.
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return unreadable(err)
	}
	return nil
}

func (in *Intake) tooLarge() error {
	return realtime.Errorf(realtime.CodeTooLarge, "the body is over %d bytes; send fewer events at a time", in.o.MaxBody)
}

func (in *Intake) bodyError(err error) error {
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return in.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &realtime.Error{Code: realtime.CodeTimeout, Message: "the body did not arrive in " + in.o.ReadTimeout.String(), Err: err}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return realtime.Errorf(realtime.CodeBadRequest, "the body is not valid gzip")
	}
	return unreadable(err)
}

func unreadable(err error) error {
	return &realtime.Error{Code: realtime.CodeBadRequest, Message: "the body could not be read", Err: err}
}
