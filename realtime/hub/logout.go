package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/recent"
)

// maxLogouts bounds one of the two halves of a topic's memory of logouts.
const maxLogouts = 1 << 16

// logouts remember the closings that depend on the age of a token, for at least the time they were made
// for: a connection whose token was verified just before a logout may join just after the
// message that closes, which no longer finds it.
type logouts struct {
	remembered *recent.Map[loggedOut, logout]
}

type loggedOut struct {
	tenant string
	to     realtime.Target
}

type logout struct {
	before time.Time
	code   realtime.Code
}

func newLogouts(memory time.Duration, now time.Time) *logouts {
	return &logouts{recent.New[loggedOut, logout](memory, maxLogouts, now)}
}

func (l *logouts) add(m *realtime.Message, now time.Time) {
	l.remembered.Turn(now)
	who := loggedOut{m.Tenant, m.To}
	last, _ := l.remembered.Get(who)
	if m.Before.After(last.before) {
		last = logout{m.Before, m.Code}
	}
	l.remembered.Put(who, last)
}

// refuses says why a principal may not come in with its token, if so. A connection's own
// identifier need not be looked for: it is new.
func (l *logouts) refuses(p *realtime.Principal) *realtime.Error {
	if l.remembered.Len() == 0 {
		return nil
	}
	if err := l.refusesAs(realtime.Target{User: p.User}, p); err != nil {
		return err
	}
	for _, group := range p.Groups {
		if err := l.refusesAs(realtime.Target{Group: group}, p); err != nil {
			return err
		}
	}
	return nil
}

func (l *logouts) refusesAs(to realtime.Target, p *realtime.Principal) *realtime.Error {
	if o, ok := l.remembered.Get(loggedOut{p.Tenant, to}); ok && !p.Issued.After(o.before) {
		return closedBy(o.code)
	}
	return nil
}

func closedBy(code realtime.Code) *realtime.Error {
	return &realtime.Error{Code: code, Message: "the connection was closed by the server"}
}
