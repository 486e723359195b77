package pattern

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// List has the Subscriptions of a connection. Its zero value is empty.
type List []*Subscription

// most bounds those of a connection.
const most = 16

// Find returns the one to a pattern that its client calls sub; nil if there is none.
func (l List) Find(p realtime.Pattern, sub string) *Subscription {
	i := slices.IndexFunc(l, func(s *Subscription) bool { return s.Pattern == p && s.Sub == sub })
	if i < 0 {
		return nil
	}
	return l[i]
}

// Admit refuses one more if the connection has it, or has too many.
func (l List) Admit(p realtime.Pattern, sub string) *realtime.Error {
	if l.Find(p, sub) != nil {
		return realtime.Errorf(realtime.CodeConflict, "channel: %q is already subscribed", p)
	}
	if len(l) >= most {
		err := realtime.Errorf(realtime.CodeLimited, "channel: a connection may be subscribed to %d patterns; end one first", most)
		err.Limit = "patternsPerConnection"
		return err
	}
	return nil
}

// Drop takes one out, if it is in.
func (l *List) Drop(s *Subscription) {
	*l = slices.DeleteFunc(*l, func(have *Subscription) bool { return have == s })
}
