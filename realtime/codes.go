package realtime

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of error a caller has to act on. The same words stand in
// error frames and problem documents.
type Code string

// The codes. Table gives each its HTTP status, close code and what a client does.
const (
	CodeBadRequest   Code = "bad-request"  // the input is malformed; the message names the field
	CodeUnauthorized Code = "unauthorized" // no token, or not a good one
	CodeExpired      Code = "expired"      // the token has ended
	CodeForbidden    Code = "forbidden"    // no grant for it
	CodeSuspended    Code = "suspended"    // the tenant is suspended
	CodeNotFound     Code = "not-found"    // there is no such thing
	CodeTooLarge     Code = "too-large"    // a frame, body or event over its limit
	CodeLimited      Code = "limited"      // over a rate or a quota; come back later
	CodeTimeout      Code = "timeout"      // nothing came in time
	CodeReplaced     Code = "replaced"     // another connection took this one's place
	CodeTooSlow      Code = "too-slow"     // the reader did not keep up
	CodeDraining     Code = "draining"     // the instance is going away
	CodeUnavailable  Code = "unavailable"  // something needed is down; come back later
	CodeConflict     Code = "conflict"     // it exists already, or has changed meanwhile
	CodeInternal     Code = "internal"     // a fault of ours
)

// Advice is what a client does about a Code.
type Advice string

// The kinds of advice.
const (
	AdviceRetryNow   Advice = "retry now"
	AdviceRetryLater Advice = "retry later"
	AdviceNewToken   Advice = "get a new token first" //nolint:gosec // words, no credential
	AdviceStop       Advice = "stop"
)

// Meaning is one row of the table of codes.
type Meaning struct {
	Status int    // HTTP status
	Close  int    // WebSocket close code, when it ends a connection
	Advice Advice // what the client does when its connection is closed with it
}

// Known reports whether the code is one of the table.
func (c Code) Known() bool { return c == CodeInternal || c.Meaning() != CodeInternal.Meaning() }

// Meaning returns what the code means to HTTP and to a socket. It is the one
// table of the system; an unknown code means what CodeInternal means.
func (c Code) Meaning() Meaning {
	switch c {
	case CodeBadRequest:
		return Meaning{400, 4400, AdviceStop}
	case CodeUnauthorized, CodeExpired:
		return Meaning{401, 4401, AdviceNewToken}
	case CodeForbidden, CodeSuspended:
		return Meaning{403, 4403, AdviceStop}
	case CodeNotFound:
		return Meaning{404, 4400, AdviceStop}
	case CodeConflict:
		return Meaning{409, 4400, AdviceStop}
	case CodeTooLarge:
		return Meaning{413, 4413, AdviceStop}
	case CodeLimited:
		return Meaning{429, 4429, AdviceRetryLater}
	case CodeTimeout:
		return Meaning{408, 4408, AdviceRetryNow}
	case CodeReplaced:
		return Meaning{409, 4409, AdviceStop}
	case CodeTooSlow:
		return Meaning{503, 4503, AdviceRetryNow}
	case CodeDraining:
		return Meaning{503, 1012, AdviceRetryLater}
	case CodeUnavailable:
		return Meaning{503, 1013, AdviceRetryLater}
	}
	return Meaning{500, 1011, AdviceRetryLater}
}

// Error is an error a caller can act on.
type Error struct {
	Code Code
	// Message names the field, the limit and what to do; it may be shown to the
	// client.
	Message string
	// RetryAfter is when to come back, for CodeLimited, CodeDraining and CodeUnavailable.
	RetryAfter time.Duration
	// Limit names the limit that refused, as it is spelt in a tenant document.
	Limit string
	// Err is the cause, for logs only; it is never shown to a client.
	Err error
}

// Error returns the message, with the cause if there is one.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an *Error whose message is made as fmt.Sprintf does.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the *Error in err's chain, and CodeInternal for any other error.
func CodeOf(err error) Code {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
