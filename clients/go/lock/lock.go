package lock

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

// ErrLost is why the Context of a Lock ends that could not be renewed in time, or was taken away.
var ErrLost = errors.New("the lock is lost")

// ErrReleased is why the Context of a Lock ends that was given back.
var ErrReleased = errors.New("the lock was released")

// attempt is how long one renewal may take; the next one finds out what became of it.
const attempt = 10 * time.Second

// Lock is one that this program has. It is safe for concurrent use. Release it.
type Lock struct {
	o      Options
	client *tidewire.Client
	event  tidewire.Event // what it publishes, without an ID
	ctx    context.Context
	end    context.CancelCauseFunc
	stop   chan struct{} // closed by Release
	once   sync.Once
	done   chan struct{} // closed when nothing renews it any more

	mu       sync.Mutex // guards what follows
	position string
	since    time.Time            // when its time began: before the server was asked
	asked    map[string]time.Time // the same of attempts whose answer may be lost, by event
}

// Context ends when the Lock is lost or released; context.Cause says which, with ErrLost or ErrReleased in its chain.
func (l *Lock) Context() context.Context { return l.ctx }

// Position is where the Lock was taken or last renewed. It only grows, from one holder to the next as well: a fencing token.
func (l *Lock) Position() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.position
}

// Held reports whether it is certain that nobody else has the Lock.
func (l *Lock) Held() bool { return l.ctx.Err() == nil && l.left() > 0 }

// left is how long it is certain yet.
func (l *Lock) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.o.TTL - elapsed(l.since)
}

// elapsed is how long ago something was, by whichever clock went further: one may stand still while the machine sleeps, the other may be set.
func elapsed(since time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// Release gives the Lock back. An error says that the server may not know; then the Lock ends by itself. Of one that is lost or released
// before, it returns why.
func (l *Lock) Release(ctx context.Context) error {
	first := false
	l.once.Do(func() {
		first = true
		close(l.stop)
	})
	<-l.done
	if !first || l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	left := l.left()
	l.end(ErrReleased)
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	e := l.event
	e.Data, e.TTL, e.Delete = nil, 0, true
	d, err := l.client.PublishIf(ctx, e, tidewire.IfAt(l.Position()))
	switch {
	case err != nil:
		return fmt.Errorf("release %s: %w", l.event.Key, err)
	case !d.Applied:
		return fmt.Errorf("release %s: somebody else has removed it: %w", l.event.Key, ErrLost)
	}
	return nil
}

// keep renews the Lock until it is released or lost.
func (l *Lock) keep() {
	defer close(l.done)
	var why error
	for wait := l.left() - l.o.TTL*2/3; ; {
		select {
		case <-time.After(max(0, wait)):
		case <-l.stop:
			return
		case <-l.client.Done():
			l.end(fmt.Errorf("%w: %w", ErrLost, l.client.Err()))
			return
		}
		left := l.left()
		if left <= 0 {
			l.end(fmt.Errorf("%w: could not be renewed in time: %w", ErrLost, why))
			return
		}
		again, err := l.renew(left)
		switch {
		case err == nil:
			why, wait = nil, l.left()-l.o.TTL*2/3
		case !again:
			l.end(err)
			return
		default:
			why = err
			wait = min(l.left(), max(retryAfter(err), 500*time.Millisecond)+jitter(500*time.Millisecond))
		}
	}
}

// renew asks for more time. An error says whether to ask again.
func (l *Lock) renew(left time.Duration) (again bool, err error) {
	e := l.event
	e.ID = newID()
	since := time.Now()
	l.mu.Lock()
	l.asked[e.ID] = since
	position := l.position
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), min(attempt, left))
	defer cancel()
	d, err := l.client.PublishIf(ctx, e, tidewire.IfAt(position))
	if err != nil {
		return true, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	own, is := l.asked[idOf(d.Position)] // one before, whose answer was lost, may have won
	if d.Applied {
		own, is = since, true
	}
	if !is {
		return false, fmt.Errorf("%w: somebody else has it, or has removed it", ErrLost)
	}
	l.position, l.since = d.Position, own
	clear(l.asked)
	return false, nil
}

func idOf(position string) string {
	p, err := realtime.ParsePosition(position)
	if err != nil {
		return ""
	}
	return p.ID
}

func newID() string { return cryptorand.Text() }

// jitter is a random part of a time.
func jitter(most time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(most))) //nolint:gosec // nobody gains by guessing it
}

// retryAfter is when the server wants to be asked again.
func retryAfter(err error) time.Duration {
	var e *realtime.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// Options say how a lock is taken.
type Options struct {
	// TTL is how long the lock outlives a program that is cut off, 3 s to 4 min; 0 is 30 s. While it is held it is renewed.
	TTL time.Duration
	// Data is what others see of the holder: the value of the lock's key, a JSON value. nil is null.
	Data json.RawMessage
}

func (o *Options) withDefaults(name string) error {
	if o.TTL == 0 {
		o.TTL = 30 * time.Second
	}
	if o.Data == nil {
		o.Data = json.RawMessage("null")
	}
	switch {
	case name == "":
		return realtime.Errorf(realtime.CodeBadRequest, "name: must not be empty")
	case o.TTL < 3*time.Second || o.TTL > realtime.MaxUnstoredTTL:
		return realtime.Errorf(realtime.CodeBadRequest, "ttl: must be between 3s and %v, got %v", realtime.MaxUnstoredTTL, o.TTL)
	}
	return nil
}
