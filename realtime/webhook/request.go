package webhook

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
	"github.com/tidewire/tidewire/realtime/internal/uid"
	"github.com/tidewire/tidewire/realtime/webhook/document"
	"github.com/tidewire/tidewire/realtime/webhook/event"
	"github.com/tidewire/tidewire/realtime/webhook/signature"
)

// errNotAllowed is that of a handshake that the hook has not agreed to.
var errNotAllowed = errors.New("the hook does not allow requests: OPTIONS must be answered with WebHook-Allowed-Origin")

// post sends an event to a hook and reads the answer. size is how long that was.
func (w *Hooks) post(ctx context.Context, h *realtime.Hook, e realtime.HookEvent, asked *event.Event) (a *event.Answer, size int, err error) {
	body, err := json.Marshal(asked)
	if err != nil {
		return nil, 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	id, now := uid.New(), time.Now()
	source := "/tenants/" + asked.Tenant
	if asked.Connection != "" {
		source += "/connections/" + asked.Connection
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json", "User-Agent": userAgent,
		"Ce-Specversion": "1.0", "Ce-Type": event.TypeOf(e), "Ce-Source": source, "Ce-Id": id, "Ce-Time": now.UTC().Format(time.RFC3339Nano),
		"Idempotency-Key": id, // lets a request be sent again whose connection had been closed
	} {
		r.Header.Set(name, value)
	}
	if subject := asked.Subject(); subject != "" {
		r.Header.Set("Ce-Subject", escaped(subject))
	}
	if err := w.authenticate(ctx, r, h, id, now, body); err != nil {
		return nil, 0, err
	}
	status, answer, err := w.send(r)
	switch {
	case err != nil:
		return nil, 0, err
	case status == http.StatusNoContent:
		return &event.Answer{}, 0, nil
	case status != http.StatusOK:
		return nil, 0, fmt.Errorf("the hook answers with status %d", status)
	}
	a, err = event.Decode(e, answer)
	return a, len(answer), err
}

const userAgent = "tidewire"

// escaped writes a text as CloudEvents has it in a header: what is not printable ASCII, and quotes and percent signs, in percent-encoding.
func escaped(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// authenticate signs a request, or gives it a token.
func (w *Hooks) authenticate(ctx context.Context, r *http.Request, h *realtime.Hook, id string, now time.Time, body []byte) error {
	if h.Auth == realtime.HookOIDC {
		if w.o.IDToken == nil {
			return errors.New("this server has no account that could sign tokens")
		}
		token, err := w.o.IDToken(ctx, h.URL)
		if err != nil {
			return fmt.Errorf("getting a token: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	keys, err := document.Keys(h)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return errors.New("the hook has no secret")
	}
	signature.Sign(r.Header, id, now, body, keys...)
	return nil
}

// send makes a request and reads the answer, as far as it may be long.
func (w *Hooks) send(r *http.Request) (status int, body []byte, err error) {
	resp, err := w.client.Do(r) //nolint:bodyclose // it is
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, event.MaxAnswerBytes+1))
	if err == nil && len(body) > event.MaxAnswerBytes {
		err = fmt.Errorf("the answer is longer than %d bytes", event.MaxAnswerBytes)
	}
	return resp.StatusCode, body, err
}

// handshake asks the hook whether it takes requests from here, as CloudEvents' protection against abuse has it: a URL that was never meant to be called
// is not sent events.
func (w *Hooks) handshake(ctx context.Context, h *realtime.Hook) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodOptions, h.URL, http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("WebHook-Request-Origin", w.o.Origin)
	r.Header.Set("User-Agent", userAgent)
	if h.Auth == realtime.HookOIDC { // the platform of the hook may ask for it before the hook does
		if err := w.authenticate(ctx, r, h, "", time.Time{}, nil); err != nil {
			return err
		}
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if allowed := resp.Header.Get("WebHook-Allowed-Origin"); resp.StatusCode/100 != 2 || allowed != "*" && !strings.EqualFold(allowed, w.o.Origin) {
		return errNotAllowed
	}
	return nil
}
