// Package logout remembers for a while whose tokens were ended, so that a client whose token was verified just before does not join
// just after.
package logout

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/recent"
)

// maxLogouts bounds one of the two halves of a topic's memory of logouts.
const maxLogouts = 1 << 16

// Memory remembers the closings that depend on the age of a token, for at least the time it was made
// for: a connection whose token was verified just before a logout may join just after the
// message that closes, which no longer finds it. It is guarded by whoever has it.
type Memory struct {
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

// New returns a Memory that keeps a logout for so long.
func New(memory time.Duration, now time.Time) *Memory {
	return &Memory{recent.New[loggedOut, logout](memory, maxLogouts, now)}
}

// Add remembers a message that closes.
func (l *Memory) Add(m *realtime.Message, now time.Time) {
	l.remembered.Turn(now)
	who := loggedOut{m.Tenant, m.To}
	last, _ := l.remembered.Get(who)
	if m.Before.After(last.before) {
		last = logout{m.Before, m.Code}
	}
	l.remembered.Put(who, last)
}

// Refuses says why a principal may not come in with its token, if so. A connection's own
// identifier need not be looked for: it is new.
func (l *Memory) Refuses(p *realtime.Principal) *realtime.Error {
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

func (l *Memory) refusesAs(to realtime.Target, p *realtime.Principal) *realtime.Error {
	if o, ok := l.remembered.Get(loggedOut{p.Tenant, to}); ok && !p.Issued.After(o.before) {
		return ClosedBy(o.code)
	}
	return nil
}

// ClosedBy is what a client is told whose connection a message has closed.
func ClosedBy(code realtime.Code) *realtime.Error {
	return &realtime.Error{Code: code, Message: "the connection was closed by the server"}
}
