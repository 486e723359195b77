package firestorerest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// answerBytes is the largest answer that is read: a page of documents of a MiB each is larger than any that there is.
	answerBytes = 64 << 20
	retryMin    = 100 * time.Millisecond
	retryMax    = 2 * time.Second
)

// callError is an answer that says that a call failed.
type callError struct {
	status int    // of HTTP
	code   string // of Google's APIs, in lower case: permission_denied
	text   string
}

func (e *callError) Error() string { return fmt.Sprintf("%s: %s", e.code, e.text) }

// passes reports whether what failed may succeed in a while.
func passes(err error) bool {
	var failed *callError
	if !errors.As(err, &failed) {
		return true // nothing came
	}
	return failed.status == http.StatusTooManyRequests || failed.status >= http.StatusInternalServerError
}

// call makes one call, again and again while it fails with what may pass by itself, until ctx ends.
func (t *Tenants) call(ctx context.Context, method, path string, body, answer any) error {
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		err := t.try(ctx, method, path, body, answer)
		if err == nil || !passes(err) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

func (t *Tenants) try(ctx context.Context, method, path string, body, answer any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := t.ask(ctx, method, path, body, answer)
	var failed *callError
	switch {
	case err == nil || ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
	case !errors.As(err, &failed):
		t.failed("unavailable")
	case failed.status != http.StatusNotFound: // most is asked to learn just that
		t.failed(failed.code)
	}
	return err
}

// service is the first word of what is counted; the other is the code of the error.
const service = "firestore"

func (t *Tenants) failed(code string) {
	t.o.Metrics.Add(realtime.CountBackendErrors, "", realtime.Reason(service+" "+code), 1)
}

func (t *Tenants) ask(ctx context.Context, method, path string, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, t.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	token, err := t.sign.Token()
	if err != nil {
		return fmt.Errorf("get a token: %w", err)
	}
	token.SetAuthHeader(r)
	if t.paid != "" {
		r.Header.Set("X-Goog-User-Project", t.paid)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := t.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was only read from
	text, err = io.ReadAll(io.LimitReader(res.Body, answerBytes))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return refusalOf(res.StatusCode, text)
	}
	return json.Unmarshal(text, answer)
}

// refusalOf reads an error as Google's APIs write it.
func refusalOf(status int, text []byte) error {
	type refusal struct {
		Error struct {
			Status  string `json:"status"`
			Message string `json:"message"`
		} `json:"error"`
	}
	var r refusal
	if json.Unmarshal(text, &r) != nil || r.Error.Status == "" {
		var all []refusal // of a query
		if json.Unmarshal(text, &all) == nil && len(all) > 0 {
			r = all[0]
		}
	}
	if r.Error.Status == "" {
		r.Error.Status, r.Error.Message = "unknown", http.StatusText(status)
	}
	return &callError{status: status, code: strings.ToLower(r.Error.Status), text: r.Error.Message}
}
