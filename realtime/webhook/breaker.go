package webhook

import "time"

// The numbers of a breaker.
const (
	breakerWindow   = 20 // the calls that are looked at
	breakerFailures = 5  // of them, which open it
	breakerOpen     = 10 * time.Second
)

// breaker leaves a hook alone that fails. It is closed, open until a time, or tried by one call. Its owner guards it.
type breaker struct {
	failed   [breakerWindow]bool // the last calls, in a ring
	next     int
	failures int // among them
	opened   time.Time
	trying   bool
	round    int // how often it was opened or closed: calls that began before do not count after
}

// allow reports whether a call may be made. It has to be reported to done with the round that is returned.
func (b *breaker) allow(now time.Time) (round int, ok bool) {
	switch {
	case b.opened.IsZero():
		return b.round, true
	case b.trying || now.Sub(b.opened) < breakerOpen:
		return 0, false
	}
	b.trying = true
	return b.round, true
}

// done reports what became of a call.
func (b *breaker) done(round int, failed bool, now time.Time) {
	switch {
	case round != b.round:
	case b.trying && failed:
		b.opened, b.trying = now, false
	case b.trying:
		*b = breaker{round: b.round + 1}
	default:
		if b.failed[b.next] {
			b.failures--
		}
		if b.failed[b.next] = failed; failed {
			b.failures++
		}
		b.next = (b.next + 1) % breakerWindow
		if b.failures >= breakerFailures {
			*b = breaker{round: b.round + 1, opened: now}
		}
	}
}

// abandon gives a call up of which nothing is known, such as one that the end of the process has cut.
func (b *breaker) abandon(round int) {
	if round == b.round {
		b.trying = false
	}
}
