package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// How long a sender waits before it tries an event again, unless it is told.
const (
	firstWait = 100 * time.Millisecond
	mostWait  = 5 * time.Second
	// mostObeyed bounds what a server may ask for, so that a wrong header does not end the demo.
	mostObeyed = time.Minute
)

// envelope is one event as the ingest endpoint takes it. ID makes a second try harmless.
type envelope struct {
	ID      string            `json:"id"`
	Channel string            `json:"channel"`
	Key     string            `json:"key"`
	Tags    map[string]string `json:"tags,omitempty"`
	Data    any               `json:"data,omitempty"`
	Delete  bool              `json:"delete,omitempty"`
}

// sender posts events, for several feeds at once.
type sender struct {
	url      string
	client   *http.Client
	newToken func(context.Context) (string, error)
	log      *slog.Logger

	mu    sync.Mutex // guards token, and is held while a new one is fetched
	token string
}

// refusal is an answer that is not 200.
type refusal struct {
	status int
	detail string
	after  time.Duration // what the server asks to wait; 0 if it does not say
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d: %s", r.status, r.detail) }

// final reports whether the same event will be refused again.
func (r *refusal) final() bool {
	return r.status < 500 && r.status != http.StatusTooManyRequests && r.status != http.StatusRequestTimeout
}

// send posts events until the endpoint has them. It returns an error if ctx ends, or if they are refused for good.
func (s *sender) send(ctx context.Context, batch []envelope) error {
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	token, err := s.renew(ctx, "")
	if err != nil {
		return err
	}
	for try, renewed := 0, false; ; try++ {
		err := s.post(ctx, token, body)
		if err == nil {
			if try > 0 {
				s.log.InfoContext(ctx, "the demo continues")
			}
			return nil
		}
		var r *refusal
		switch refused := errors.As(err, &r); {
		case ctx.Err() != nil:
			return ctx.Err()
		case refused && r.status == http.StatusUnauthorized && !renewed:
			if token, err = s.renew(ctx, token); err != nil {
				return err
			}
			renewed = true
			continue
		case refused && r.final():
			return err
		}
		wait := backoff(try, r)
		if try == 0 {
			s.log.WarnContext(ctx, "the demo is waiting", realtime.KeyError, err)
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// post sends one request. An answer other than 200 is a *refusal.
func (s *sender) post(ctx context.Context, token string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusOK {
		return nil
	}
	var problem struct{ Detail string }
	if json.Unmarshal(answer, &problem) != nil || problem.Detail == "" {
		problem.Detail = http.StatusText(res.StatusCode)
	}
	return &refusal{status: res.StatusCode, detail: problem.Detail, after: retryAfter(res.Header.Get("Retry-After"), time.Now())}
}

// renew returns a token other than bad, fetching a new one if nobody else has meanwhile.
func (s *sender) renew(ctx context.Context, bad string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != bad {
		return s.token, nil
	}
	token, err := s.newToken(ctx)
	if err != nil {
		return "", fmt.Errorf("demo: a token for the producer: %w", err)
	}
	s.token = token
	return token, nil
}

// backoff is how long to wait after try (0 is the first) failed: what the server
// asks for and never less, else twice as long each time, give or take a half.
func backoff(try int, r *refusal) time.Duration {
	wait := min(firstWait<<min(try, 10), mostWait)
	wait = wait/2 + rand.N(wait) //nolint:gosec // nobody gains by guessing it
	if r != nil && r.after > 0 {
		return min(r.after, mostObeyed) + wait/4
	}
	return wait
}

// retryAfter reads the header of RFC 9110 section 10.2.3: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// sleep waits, and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
