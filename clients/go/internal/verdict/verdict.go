// Package verdict says what the errors of a server, or of the way to it, mean to a client.
package verdict

import (
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Refusal is the error of an error frame.
func Refusal(f *wire.ServerFrame) *realtime.Error {
	code := f.Code
	if code == "" {
		code = realtime.CodeInternal
	}
	return &realtime.Error{Code: code, Message: f.Message, Limit: f.Limit, RetryAfter: time.Duration(Bounded(f.RetryAfterMs, 0, MaxWaitMs)) * time.Millisecond}
}

// MaxWaitMs is the longest wait that is believed: an hour.
const MaxWaitMs = 3_600_000

// Bounded is n, but at least low and at most high: it came from a server.
func Bounded(n, low, high int64) int64 { return max(low, min(n, high)) }

// Ended says why a connection has ended, with the code that decides what comes next. told is the error frame before
// the close frame, nil if there was none.
func Ended(err error, told *realtime.Error) *realtime.Error {
	var closed *socket.CloseError
	var known *realtime.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &closed):
		if told != nil && told.Code.Meaning().Close == closed.Code {
			return told
		}
		return &realtime.Error{Code: codeOf(closed.Code), Message: "the server closed the connection", Err: err}
	case told != nil: // the close frame was lost
		return told
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &realtime.Error{Code: realtime.CodeTimeout, Message: "the server sent nothing for too long", Err: err}
	}
	return &realtime.Error{Code: realtime.CodeTimeout, Message: "the connection was lost", Err: err}
}

// codeOf is the code that a close code speaks of. Several share 4400, 4401 and 4403; what a client does about them is the same.
func codeOf(closed int) realtime.Code {
	for _, code := range []realtime.Code{
		realtime.CodeDraining, realtime.CodeUnavailable, realtime.CodeBadRequest, realtime.CodeUnauthorized, realtime.CodeForbidden, realtime.CodeTimeout,
		realtime.CodeReplaced, realtime.CodeTooLarge, realtime.CodeLimited, realtime.CodeTooSlow,
	} {
		if code.Meaning().Close == closed {
			return code
		}
	}
	switch closed {
	case 1002, 1003, 1007: // we have violated the protocol
		return realtime.CodeBadRequest
	case 1006:
		return realtime.CodeTimeout
	}
	return realtime.CodeInternal
}

// Unreached is the error of a handshake. One that was refused for good has CodeNotFound: no gateway answers there.
func Unreached(err error) *realtime.Error {
	var refused *socket.HandshakeError
	if errors.As(err, &refused) && refused.Status < 500 && refused.Status != http.StatusTooManyRequests && refused.Status != http.StatusRequestTimeout {
		return &realtime.Error{Code: realtime.CodeNotFound, Message: "no gateway answers there", Err: err}
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return &realtime.Error{Code: realtime.CodeForbidden, Message: "the certificate of the server is not trusted", Err: err}
	}
	return &realtime.Error{Code: realtime.CodeTimeout, Message: "the server does not answer", Err: err}
}

// Later reports whether the server may take a refused frame another time.
func Later(err *realtime.Error) bool {
	switch err.Code {
	case realtime.CodeLimited, realtime.CodeUnavailable, realtime.CodeDraining, realtime.CodeTimeout, realtime.CodeInternal:
		return true
	}
	return err.RetryAfter > 0
}

// Of is an error with its code; nil if there is none.
func Of(err error) *realtime.Error {
	if err == nil {
		return nil
	}
	if e := (*realtime.Error)(nil); errors.As(err, &e) {
		return e
	}
	return &realtime.Error{Code: realtime.CodeOf(err), Message: err.Error(), Err: err}
}
