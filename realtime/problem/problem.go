// Package problem writes errors as the problem documents of RFC 9457, in the
// one form that all HTTP APIs of Tidewire share:
//
//	HTTP/1.1 429 Too Many Requests
//	Content-Type: application/problem+json
//	Retry-After: 1
//
//	{"type":"urn:tidewire:problem:limited","title":"Over a limit","status":429,
//	 "detail":"limits.publishesPerSecond: the user is over 100 a second; come back in 250ms",
//	 "code":"limited","limit":"publishesPerSecond","retryAfterMs":250}
//
// What an error says of its cause is for logs: a document shows the message of a
// *realtime.Error and nothing of any other error.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// defaultRetry is when to come back if an error that passes does not say.
const defaultRetry = time.Second

// Problem is a problem document. Of and WithStatus make one; a handler may add
// Errors before it is written.
type Problem struct {
	// Type identifies the kind of problem: urn:tidewire:problem:<code>, or about:blank for one that
	// HTTP itself knows.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code is the word that error frames of the socket protocol use for the same thing.
	Code realtime.Code `json:"code"`
	// Limit names the limit that refused, as it is spelt in a tenant document.
	Limit string `json:"limit,omitempty"`
	// RetryAfterMs is when to come back; the Retry-After header says the same in whole seconds.
	RetryAfterMs int64 `json:"retryAfterMs,omitempty"`
	// Errors are what is wrong with the parts of a request that has parts.
	Errors []Part `json:"errors,omitempty"`
}

// Part is what is wrong with one part of a request, such as an event of a batch.
type Part struct {
	Index  int           `json:"index"` // from 0
	Code   realtime.Code `json:"code"`
	Detail string        `json:"detail"`
}

// Of returns the document of an error, by the table in realtime.Code.Meaning.
func Of(err error) *Problem {
	e := shown(err)
	p := &Problem{
		Type: "urn:tidewire:problem:" + string(e.Code), Title: title(e.Code), Status: e.Code.Meaning().Status,
		Detail: e.Message, Code: e.Code, Limit: e.Limit,
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		after := e.RetryAfter
		if after <= 0 {
			after = defaultRetry
		}
		p.RetryAfterMs = max(after.Milliseconds(), 1)
	}
	return p
}

// WithStatus returns the document of an error that HTTP has a status of its own
// for, such as 405 or 415. RFC 9457 section 4.2.1 gives those the type about:blank.
func WithStatus(status int, err error) *Problem {
	p := Of(err)
	p.Type, p.Title, p.Status = "about:blank", http.StatusText(status), status
	return p
}

// Write answers a request with the document of an error.
func Write(w http.ResponseWriter, err error) { Of(err).Write(w) }

// WriteReport answers a request with what was done, as JSON, or with the document of the error that it ended with.
func WriteReport(w http.ResponseWriter, report any, err error) {
	var body []byte
	if err == nil {
		body, err = json.Marshal(report)
	}
	if err != nil {
		Write(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // the client may be gone: nobody is left to tell
}

// Write answers a request. A 401 asks for a bearer token (RFC 6750 section 3) unless the
// handler has set another challenge.
func (p *Problem) Write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, http.StatusText(p.Status), p.Status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfterMs > 0 {
		h.Set("Retry-After", strconv.FormatInt((p.RetryAfterMs+999)/1000, 10))
	}
	if p.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client may be gone: nobody is left to tell
}

// Message returns what may be shown of an error: the message of a
// *realtime.Error in its chain, without its cause.
func Message(err error) string { return shown(err).Message }

// shown returns the *realtime.Error in the chain, or one that gives nothing away.
func shown(err error) *realtime.Error {
	if e := (*realtime.Error)(nil); errors.As(err, &e) && e.Message != "" {
		return e
	}
	if errors.Is(err, context.Canceled) { // the client has gone, or the server is about to
		return &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away; try again"}
	}
	return &realtime.Error{Code: realtime.CodeOf(err), Message: "internal error; the server has logged it"}
}

// title is a short summary that is the same for every problem of a code.
func title(c realtime.Code) string {
	switch c {
	case realtime.CodeBadRequest:
		return "The request is malformed"
	case realtime.CodeUnauthorized:
		return "A valid token is needed"
	case realtime.CodeExpired:
		return "The token has expired"
	case realtime.CodeForbidden:
		return "Not permitted"
	case realtime.CodeSuspended:
		return "The tenant is suspended"
	case realtime.CodeNotFound:
		return "Not found"
	case realtime.CodeConflict:
		return "Conflict"
	case realtime.CodeTooLarge:
		return "Too large"
	case realtime.CodeLimited:
		return "Over a limit"
	case realtime.CodeTimeout:
		return "Timed out"
	case realtime.CodeDraining, realtime.CodeUnavailable:
		return "Temporarily unavailable"
	}
	return "Internal error"
}
