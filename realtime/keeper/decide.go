package keeper

import (
	"context"
	"fmt"

	"github.com/tidewire/tidewire/realtime"
)

// fetch has at hand what is stored of the keys about which messages have Conditions.
func (f *fold) fetch(ctx context.Context, states realtime.StateWriter, messages []realtime.Message) error {
	var refs []realtime.StateRef
	for i := range messages {
		m := &messages[i]
		if m.If == nil || m.Kind != realtime.KindPublication || m.Key == "" || f.rules(m.Channel) == nil {
			continue
		}
		ref := realtime.StateRef{Channel: m.Channel, Key: m.Key}
		if _, has := f.stored[ref]; has {
			continue
		}
		f.stored[ref] = realtime.StateChange{}
		refs = append(refs, ref)
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := states.Newest(ctx, refs)
	if err != nil {
		return fmt.Errorf("read what conditions are about: %w", err)
	}
	for i := range refs {
		f.stored[refs[i]] = found[i]
	}
	return nil
}

// passes reports whether a change counts that has a Condition. Hubs decide alike.
//
// What is stored may be of later than what is read: a keeper that has died had saved it. Then the change has been replaced, and does not matter. What
// is folded may be older than what is stored: it has come again.
func (f *fold) passes(change *realtime.StateChange, condition *realtime.Condition) bool {
	stored, folded := f.stored[realtime.StateRef{Channel: change.Channel, Key: change.Key}], f.newest(change)
	switch {
	case stored.ID == change.ID, folded.ID == change.ID:
		return true
	case stored.ID != "" && (stored.Time.After(change.Time) || stored.Time.Equal(change.Time) && !f.recent.knows(&stored)):
		return false
	}
	base := condition.Known
	for _, c := range []realtime.StateChange{stored, folded} {
		if c.ID != "" && c.Time.UnixMilli() >= base.At.Time {
			base = stateOf(&c)
		}
	}
	return condition.Holds(base, change.Time.UnixMilli())
}

// newest is what has become of a change's key before it, as far as it was folded; zero if nothing was.
func (f *fold) newest(change *realtime.StateChange) realtime.StateChange {
	c := f.channels[change.Channel]
	switch {
	case c == nil:
	case c.keys[change.Key] != nil:
		return *c.keys[change.Key]
	case c.clear != nil:
		return *c.clear
	}
	return realtime.StateChange{}
}

// stateOf is what a change has made of its key.
func stateOf(c *realtime.StateChange) realtime.KeyState {
	s := realtime.KeyState{At: c.Position()}
	switch {
	case c.Op != realtime.OpSet:
		s.Ends = s.At.Time
	case !c.Expires.IsZero():
		s.Ends = c.Expires.UnixMilli()
	}
	return s
}

// unsplit is called before something is saved behind which more may come of the last millisecond of a channel. It forgets what came before something of that
// millisecond that is stored already, by a keeper that has died, and comes again: a store takes what is saved later for newer.
func (f *fold) unsplit(ctx context.Context, states realtime.StateWriter) error {
	var last []*realtime.StateChange
	var refs []realtime.StateRef
	for name, c := range f.channels {
		for key, change := range c.keys {
			if one := named(change); one.Time == f.recent.newest[one.Channel] {
				last, refs = append(last, change), append(refs, realtime.StateRef{Channel: name, Key: key})
			}
		}
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := states.Newest(ctx, refs)
	if err != nil {
		return fmt.Errorf("read what is stored of the last keys: %w", err)
	}
	for i, change := range last {
		if stored := &found[i]; stored.ID != "" && stored.ID != change.ID && stored.Time.Equal(change.Time) && !f.recent.knows(stored) {
			f.bytes -= cost(change)
			delete(f.channels[refs[i].Channel].keys, refs[i].Key)
		}
	}
	return nil
}
