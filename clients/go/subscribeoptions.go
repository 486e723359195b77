package tidewire

import (
	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// SubscribeOptions say how to read a channel. The zero value works.
type SubscribeOptions struct {
	// Since is where to begin, a Position of before; empty is from now on. One that the server cannot use is answered with a Gap. There is none with State.
	Since string
	// Positions are that of a pattern, by channel. The channels that it does not have begin with AsOf, or now.
	Positions map[string]string
	// AsOf belongs to Since and Positions; see Subscription.Bookmark.
	AsOf int64
	// Filter, Fields and Keys choose what of the channel is sent: events for which an expression is true, some members of their data, and
	// those of some keys ("GBP*" is every key that begins so). Empty is everything. docs/delivery.md explains them.
	Filter       string
	Fields, Keys []string
	// State has the newest message of each key sent first, in a snapshot, and then what changes. Client.View makes a map of it, and Client.Views
	// one of each channel of a pattern.
	State bool
	// MaxRate is how many times a second what is new is sent at most, 0.05 to 1000; 0 is as it comes.
	MaxRate float64
	// Paused has nothing sent until Tune ends it.
	Paused bool
	// Rewind begins with what was published before, by number or by age, unless Since can be answered; not with State, and not for a pattern.
	Rewind realtime.Rewind

	// Buffer and BufferBytes bound what waits to be taken: updates, default 1000, and their bytes, default 16 MiB. A snapshot is queued
	// beyond them, as a whole: it is as large as the state of the channel.
	Buffer, BufferBytes int
	// Overflow is what happens beyond; default OverflowResume.
	Overflow Overflow
}

func (o *SubscribeOptions) withDefaults() error {
	if o.Buffer <= 0 {
		o.Buffer = 1000
	}
	if o.BufferBytes <= 0 {
		o.BufferBytes = 16 << 20
	}
	switch o.Overflow {
	case "":
		o.Overflow = OverflowResume
	case OverflowResume, OverflowDropOldest:
	default:
		return realtime.Errorf(realtime.CodeBadRequest, "Overflow: must be %s or %s, got %q", OverflowResume, OverflowDropOldest, o.Overflow)
	}
	return nil
}

// want is what the server is asked for.
func (o *SubscribeOptions) want() wire.Options {
	w := wire.Options{State: o.State}
	if o.Filter != "" {
		w.Filter = &o.Filter
	}
	if len(o.Fields) > 0 {
		w.Fields = &o.Fields
	}
	if o.Keys != nil {
		w.Keys = &o.Keys
	}
	w.Rewind = o.Rewind
	if o.MaxRate != 0 {
		w.MaxRate = &o.MaxRate
	}
	if o.Paused {
		w.Paused = &o.Paused
	}
	return w
}

// checkRewind refuses a past that there is none of.
func (o *SubscribeOptions) checkRewind(name string) error {
	switch {
	case o.Rewind.IsZero():
		return nil
	case o.State:
		return realtime.Errorf(realtime.CodeBadRequest, "Rewind: cannot be given with State, which begins with all of it")
	case realtime.IsSelection(name):
		return realtime.Errorf(realtime.CodeBadRequest, "Rewind: is for a channel, and not for a pattern")
	}
	return o.Rewind.Check()
}

// check refuses what cannot be asked for, and returns whether the name is that of a pattern.
func (o *SubscribeOptions) check(name string) (pattern bool, err error) {
	if err := o.checkRewind(name); err != nil {
		return false, err
	}
	if pattern = realtime.IsSelection(name); !pattern {
		switch {
		case o.Positions != nil:
			return false, realtime.Errorf(realtime.CodeBadRequest, "Positions: is for patterns; give Since for a channel")
		case o.State && o.Since != "":
			return false, realtime.Errorf(realtime.CodeBadRequest, "Since: cannot be given with State, which begins with all of it")
		}
		_, err = realtime.NewReadable("any", name)
		return false, err
	}
	switch {
	case o.Since != "":
		return true, realtime.Errorf(realtime.CodeBadRequest, "Since: is for a channel; give Positions for a pattern")
	case o.State && (o.Positions != nil || o.AsOf != 0):
		return true, realtime.Errorf(realtime.CodeBadRequest, "Positions and AsOf: cannot be given with State, which begins with all of it")
	case len(o.Positions) > cursor.Max:
		return true, realtime.Errorf(realtime.CodeBadRequest, "Positions: must be at most %d channels, got %d", cursor.Max, len(o.Positions))
	}
	for channel := range o.Positions {
		if _, err := realtime.NewChannel("any", channel); err != nil {
			return true, realtime.Errorf(realtime.CodeBadRequest, "Positions: %v", err)
		}
		if !realtime.Pattern(name).Match(channel, "", nil) {
			return true, realtime.Errorf(realtime.CodeBadRequest, "Positions: %q is not selected by %q", channel, name)
		}
	}
	return true, realtime.CheckSelection(name)
}
