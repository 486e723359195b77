package event

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
	"github.com/tidewire/tidewire/realtime/strict"
)

// The bounds of an answer.
const (
	// MaxAnswerBytes is how long an answer may be.
	MaxAnswerBytes = 64 << 10
	maxMessage     = 512
	maxGroups      = 64
	maxPatterns    = 256 // of one action
	maxFilters     = 64  // patterns, and filters of one
	maxRetryAfter  = time.Hour
)

// Answer is what a hook says: yes, if it is the zero value. A refusal has a Code; otherwise which fields may be set depends on the event.
type Answer struct {
	// Code refuses, and is one of Codes; Message is shown to the client, and RetryAfterMS tells it when to come back.
	Code         realtime.Code `json:"code,omitempty"`
	Message      string        `json:"message,omitempty"`
	RetryAfterMS int64         `json:"retryAfterMs,omitempty"`

	// Of connect. Groups are added to those of the token. Grants, if there are any, take the place of those of the token, each of which must
	// cover them: they can narrow and not widen. Filters apply besides all others, one of each pattern's. Meta goes to later hooks.
	Groups  []string                      `json:"groups,omitempty"`
	Grants  *realtime.Grants              `json:"grants,omitempty"`
	Filters map[realtime.Pattern][]string `json:"filters,omitempty"`
	Meta    map[string]string             `json:"meta,omitempty"`

	// Of publish: what is published instead, each if it is set.
	Key  *string           `json:"key,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
	// Data is that of the answer to a call, or what is published instead.
	Data json.RawMessage `json:"data,omitempty"`
}

// Codes lists those with which a hook may refuse.
func Codes() []realtime.Code {
	return []realtime.Code{
		realtime.CodeBadRequest, realtime.CodeUnauthorized, realtime.CodeForbidden, realtime.CodeNotFound,
		realtime.CodeConflict, realtime.CodeLimited, realtime.CodeUnavailable,
	}
}

// Decode reads the body of an answer about an event and checks it. What a hook must not say is an error that names the field.
func Decode(e realtime.HookEvent, body []byte) (*Answer, error) {
	if len(body) > MaxAnswerBytes {
		return nil, realtime.Errorf(realtime.CodeTooLarge, "answer: must be at most %d bytes", MaxAnswerBytes)
	}
	a := &Answer{}
	if err := strict.Decode("answer", body, a); err != nil {
		return nil, err
	}
	if jsontext.Begins(bytes.TrimSpace(body)) != '{' { // null would be taken for an answer that says nothing
		return nil, bad("answer: must be an object")
	}
	return a, a.Check(e)
}

// Check refuses what a hook must not say about an event.
func (a *Answer) Check(e realtime.HookEvent) error {
	if a.Code != "" {
		return a.checkRefusal()
	}
	if a.Message != "" || a.RetryAfterMS != 0 {
		return bad("code: is missing, with a message or retryAfterMs")
	}
	if err := a.checkBelongs(e); err != nil {
		return err
	}
	if len(a.Groups) > maxGroups {
		return bad("groups: must be at most %d, got %d", maxGroups, len(a.Groups))
	}
	for _, g := range a.Groups {
		if g == "" || len(g) > realtime.MaxIDBytes || !utf8.ValidString(g) {
			return bad("groups: must each be 1 to %d bytes of UTF-8", realtime.MaxIDBytes)
		}
	}
	if err := a.checkGrants(); err != nil {
		return err
	}
	return a.checkFilters()
}

func (a *Answer) checkRefusal() error {
	if !slices.Contains(Codes(), a.Code) {
		return bad("code: %.32q is none that a hook may refuse with", string(a.Code))
	}
	if len(a.Message) > maxMessage || !utf8.ValidString(a.Message) || strings.ContainsFunc(a.Message, func(r rune) bool { return r < ' ' }) {
		return bad("message: must be at most %d bytes on one line", maxMessage)
	}
	if a.RetryAfterMS < 0 || a.RetryAfterMS > maxRetryAfter.Milliseconds() {
		return bad("retryAfterMs: must be 0 to %d", maxRetryAfter.Milliseconds())
	}
	rest := *a
	rest.Code, rest.Message, rest.RetryAfterMS = "", "", 0
	if names := rest.members(); len(names) > 0 {
		return bad("%s: must not be set in a refusal", names[0])
	}
	return nil
}

// members lists what is set besides a refusal.
func (a *Answer) members() (names []string) {
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"groups", a.Groups != nil}, {"grants", a.Grants != nil}, {"filters", a.Filters != nil}, {"meta", a.Meta != nil},
		{"key", a.Key != nil}, {"tags", a.Tags != nil}, {"data", a.Data != nil},
	} {
		if m.set {
			names = append(names, m.name)
		}
	}
	return names
}

// checkBelongs refuses members that are for another event.
func (a *Answer) checkBelongs(e realtime.HookEvent) error {
	var may []string
	switch e {
	case realtime.HookConnect:
		may = []string{"groups", "grants", "filters", "meta"}
	case realtime.HookPublish:
		may = []string{"key", "tags", "data"}
	case realtime.HookCall:
		may = []string{"data"}
	}
	for _, name := range a.members() {
		if !slices.Contains(may, name) {
			return bad("%s: is not an answer to %s", name, e)
		}
	}
	return nil
}

func (a *Answer) checkGrants() error {
	if a.Grants == nil {
		return nil
	}
	for _, action := range realtime.Actions() {
		patterns := *a.Grants.Of(action)
		if len(patterns) > maxPatterns {
			return bad("grants.%s: must be at most %d patterns, got %d", action, maxPatterns, len(patterns))
		}
		for _, p := range patterns {
			if err := realtime.CheckPattern(string(p)); err != nil {
				return bad("grants.%s: %v", action, err)
			}
		}
	}
	return nil
}

func (a *Answer) checkFilters() error {
	if len(a.Filters) > maxFilters {
		return bad("filters: must be at most %d patterns, got %d", maxFilters, len(a.Filters))
	}
	for p, texts := range a.Filters {
		if err := realtime.CheckPattern(string(p)); err != nil {
			return bad("filters: %v", err)
		}
		if len(texts) > maxFilters {
			return bad("filters.%s: must be at most %d, got %d", p, maxFilters, len(texts))
		}
		for _, text := range texts {
			if text == "" || len(text) > realtime.MaxFilterBytes {
				return bad("filters.%s: must be 1 to %d bytes, got %d", p, realtime.MaxFilterBytes, len(text))
			}
		}
	}
	return nil
}

func bad(format string, args ...any) error {
	return realtime.Errorf(realtime.CodeBadRequest, format, args...)
}

// Refusal is the error that a client is shown; nil if the hook has not refused.
func (a *Answer) Refusal() *realtime.Error {
	if a.Code == "" {
		return nil
	}
	message := a.Message
	if message == "" {
		message = "refused"
	}
	return &realtime.Error{Code: a.Code, Message: message, RetryAfter: time.Duration(a.RetryAfterMS) * time.Millisecond}
}
