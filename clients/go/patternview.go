package tidewire

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/rows"
	"github.com/tidewire/tidewire/realtime"
)

// PatternView is the states of all channels that a pattern selects, those that begin later included: of each channel a map that is always
// true, as a KeyedView has it. It is safe for concurrent use. Close it.
type PatternView struct {
	viewer
	all     map[string]*channelRows // of channels that have rows, or will have some; guarded by mu, as what follows
	differs map[string]*channelRows // those of all that have changed
	keys    int                     // of all, there or coming
}

// channelRows are the rows of one channel.
type channelRows struct {
	*rows.Rows[*Message]
	owed bool // the server has not answered about the channel since it has about the pattern
}

// ChannelKey names a row of a PatternView.
type ChannelKey struct{ Channel, Key string }

// Views reads the states of all channels that a pattern selects and whose namespaces keep one.
func (c *Client) Views(pattern string, o ViewOptions) (*PatternView, error) {
	if !realtime.IsSelection(pattern) {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "pattern: %q is a channel; View reads its state", pattern)
	}
	s, err := o.subscribe(c, pattern)
	if err != nil {
		return nil, err
	}
	v := &PatternView{all: map[string]*channelRows{}, differs: map[string]*channelRows{}}
	v.begin(s, o.MaxKeys, v)
	return v, nil
}

// Get returns the newest message of a key of a channel.
func (v *PatternView) Get(channel, key string) (m *Message, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if one := v.all[channel]; one != nil {
		return one.Get(key)
	}
	return nil, false
}

// Channels returns the channels that have keys, in order.
func (v *PatternView) Channels() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var names []string
	for name, one := range v.all {
		if one.Len() > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// All returns the keys of a channel in order, each with its newest message, as they are at the time of the call.
func (v *PatternView) All(channel string) iter.Seq2[string, *Message] {
	v.mu.Lock()
	defer v.mu.Unlock()
	var now map[string]*Message
	if one := v.all[channel]; one != nil {
		now = one.Rows.All()
	}
	return inOrder(now)
}

// Changes waits until something has changed since it was last called, and returns the rows, in order: those that Get does not have are gone.
// However long the caller takes between calls, each row is there once. The error is the end of ctx or of the view.
func (v *PatternView) Changes(ctx context.Context) (all []ChannelKey, err error) {
	err = v.wait(ctx, func() bool {
		for _, channel := range slices.Sorted(maps.Keys(v.differs)) {
			one := v.differs[channel]
			for _, key := range one.Rows.Changes() {
				all = append(all, ChannelKey{channel, key})
			}
			v.sort(channel, one)
		}
		return len(all) > 0
	})
	return all, err
}

func (v *PatternView) apply(u *Update, now time.Time) (ready bool) {
	switch {
	case u.Channel != v.s.channel:
		v.change(u.Channel, func(one *channelRows) {
			show(one.Rows, u, now)
			one.owed = one.owed && u.Kind != KindLive
		})
	case u.Kind == KindLive:
		for _, one := range v.all {
			one.owed = true
		}
	case u.Kind == KindComplete:
		for channel, one := range v.all {
			if one.owed { // nothing is left of it
				v.change(channel, func(one *channelRows) {
					one.Begin()
					one.Snapshot(nil, false, now)
				})
			}
		}
		return true
	}
	return false
}

// change changes the rows of a channel.
func (v *PatternView) change(channel string, how func(*channelRows)) {
	one := v.all[channel]
	if one == nil {
		one = &channelRows{Rows: rows.New(factsOf)}
		v.all[channel] = one
	}
	before := one.Coming()
	how(one)
	v.keys += one.Coming() - before
	v.sort(channel, one)
}

// sort keeps of a channel what is of use.
func (v *PatternView) sort(channel string, one *channelRows) {
	if one.Changed() {
		v.differs[channel] = one
		return
	}
	if delete(v.differs, channel); one.Coming() == 0 && !one.Underway() {
		delete(v.all, channel)
	}
}

func (v *PatternView) sweep(now time.Time) {
	for channel := range v.all {
		v.change(channel, func(one *channelRows) { one.Sweep(now) })
	}
}

func (v *PatternView) coming() int      { return v.keys }
func (v *PatternView) hasChanged() bool { return len(v.differs) > 0 }
