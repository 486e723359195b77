package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/internal/flight"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/recent"
)

const (
	logoutAge   = time.Second     // how old an answer may be: a logout is to reach every process within two seconds
	logoutTime  = 3 * time.Second // how long the store may take, and a token wait for it
	logoutsKept = 10_000          // answers that are kept at least while they may be used, in one half
)

// logouts asks Revocations about users. An answer serves for a second all who ask for the same user, those
// among them who come while it is under way; so a crowd that comes back, or a client that
// does nothing but connect, costs the store one reading per user and second.
type logouts struct {
	store    realtime.Revocations
	readings *flight.Group[account, time.Time]

	mu      sync.Mutex // guards answers
	answers *recent.Map[account, *asked]
}

type account struct{ tenant, user string }

// asked is a question, and its answer: the moment before which tokens are revoked.
type asked = flight.Call[time.Time]

func newLogouts(store realtime.Revocations, log *slog.Logger, count realtime.Metrics) *logouts {
	return &logouts{
		store: store, readings: flight.New[account, time.Time](logoutTime, 0, contained(log, count)),
		answers: recent.New[account, *asked](logoutAge, logoutsKept, time.Now()),
	}
}

// check refuses a token of the user that was issued before a logout, or that does not say when
// it was issued if there was one.
func (l *logouts) check(ctx context.Context, tenant, user string, issued time.Time) error {
	a := l.ask(account{tenant, user}, time.Now())
	if a == nil {
		return logoutsUnavailable(errors.New("the verifier is closed"))
	}
	before, err := a.Wait(ctx)
	switch {
	case err != nil:
		return logoutsUnavailable(err)
	case before.IsZero() || issued.After(before):
		return nil
	case issued.IsZero():
		return refuse(reasonRevoked, "user %q was logged out, and the token does not say when it was issued", clip(user))
	}
	return refuse(reasonRevoked, "user %q was logged out at %s", clip(user), before.UTC().Format(time.RFC3339))
}

// ask returns a question that is young enough to answer for this moment; nil after close.
func (l *logouts) ask(of account, now time.Time) *asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers.Turn(now)
	if a, _ := l.answers.Get(of); a != nil && now.Sub(a.Begun()) < logoutAge {
		return a
	}
	a := l.readings.Renew(of, func(ctx context.Context) (time.Time, error) {
		return l.store.RevokedBefore(ctx, of.tenant, of.user)
	})
	if a != nil {
		l.answers.Put(of, a)
	}
	return a
}

func (l *logouts) close() { l.readings.Close() }

func logoutsUnavailable(cause error) error {
	return &realtime.Error{
		Code: realtime.CodeUnavailable, Message: "the logouts of the user cannot be read at the moment",
		RetryAfter: 2 * time.Second, Err: cause,
	}
}
