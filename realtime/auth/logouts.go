package auth

import (
	"context"
	"errors"
	"sync"
	"time"

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
	store  realtime.Revocations
	ctx    context.Context // ends with close; every reading hangs on it
	cancel context.CancelFunc

	mu      sync.Mutex // guards what follows, and that nothing starts after close
	closed  bool
	answers *recent.Map[account, *asked]
	running sync.WaitGroup
}

type account struct{ tenant, user string }

// asked is a question and, once done is closed, its answer.
type asked struct {
	begun  time.Time
	done   chan struct{}
	before time.Time
	err    error
}

func newLogouts(store realtime.Revocations) *logouts {
	l := &logouts{store: store, answers: recent.New[account, *asked](logoutAge, logoutsKept, time.Now())}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// check refuses a token of the user that was issued before a logout, or that does not say when
// it was issued if there was one.
func (l *logouts) check(ctx context.Context, tenant, user string, issued time.Time) error {
	a := l.ask(account{tenant, user}, time.Now())
	if a == nil {
		return logoutsUnavailable(errors.New("the verifier is closed"))
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return logoutsUnavailable(ctx.Err())
	}
	switch {
	case a.err != nil:
		return logoutsUnavailable(a.err)
	case a.before.IsZero() || issued.After(a.before):
		return nil
	case issued.IsZero():
		return refuse(reasonRevoked, "user %q was logged out, and the token does not say when it was issued", clip(user))
	}
	return refuse(reasonRevoked, "user %q was logged out at %s", clip(user), a.before.UTC().Format(time.RFC3339))
}

// ask returns a question that is young enough to answer for this moment; nil after close.
func (l *logouts) ask(of account, now time.Time) *asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers.Turn(now)
	if a, _ := l.answers.Get(of); a != nil && now.Sub(a.begun) < logoutAge {
		return a
	}
	if l.closed {
		return nil
	}
	a := &asked{begun: now, done: make(chan struct{})}
	l.answers.Put(of, a)
	l.running.Go(func() {
		defer close(a.done)
		// It answers everybody who waits, so no single one's context bounds it.
		ctx, cancel := context.WithTimeout(l.ctx, logoutTime)
		defer cancel()
		a.before, a.err = l.store.RevokedBefore(ctx, of.tenant, of.user)
	})
	return a
}

func (l *logouts) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.running.Wait()
}

func logoutsUnavailable(cause error) error {
	return &realtime.Error{
		Code: realtime.CodeUnavailable, Message: "the logouts of the user cannot be read at the moment",
		RetryAfter: 2 * time.Second, Err: cause,
	}
}
