package connection

import (
	"math/rand/v2"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	backoffFirst = 500 * time.Millisecond
	backoffMost  = 30 * time.Second
	// stable is how long a connection lives that has worked.
	stable = 5 * time.Second
)

// retries say when to try again.
type retries struct {
	count int  // tries since a connection lived for long enough
	bare  bool // the server has stopped us for something that we sent: leave it out
	timer *time.Timer
}

func (r *retries) stop() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

// lived forgets what went wrong before a connection that worked.
func (r *retries) lived(d time.Duration) {
	if d >= stable {
		r.count, r.bare = 0, false
	}
}

// wait is how long to wait after an error (protocol.md, Reconnecting), and whether to try again at all.
func (r *retries) wait(err *realtime.Error) (d time.Duration, again bool) {
	d = rand.N(min(backoffFirst<<min(r.count, 10), backoffMost)) //nolint:gosec // spreads reconnects, hides nothing
	defer func() { r.count++ }()
	switch err.Code.Meaning().Advice {
	case realtime.AdviceRetryNow, realtime.AdviceNewToken:
		return d, true
	case realtime.AdviceRetryLater:
		if err.RetryAfter > 0 {
			return err.RetryAfter + d, true
		}
		return time.Second + d, true
	}
	switch err.Code {
	case realtime.CodeForbidden, realtime.CodeSuspended, realtime.CodeReplaced: // a person has decided
		return 0, false
	}
	if !r.bare {
		r.bare = true
		return time.Second, true
	}
	return min(15*time.Second<<min(r.count, 5), 5*time.Minute) + d, true
}
