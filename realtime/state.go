package realtime

import "time"

// State says that a namespace keeps state: the newest Publication of each Key of a channel, of which a reader is given a
// snapshot before what is new. A zero field has the default stated in DefaultState.
type State struct {
	// Keys and Bytes bound the state of one channel. A publish that would exceed them is refused.
	Keys  int `json:"keys,omitempty"`
	Bytes int `json:"bytes,omitempty"`
	// TTL is how long an entry is kept whose Publication does not say, and at most; 0 is without end.
	TTL Duration `json:"ttl,omitempty"`
	// Durable says whether a store keeps checkpoints; nil is true. Without, the state is what instances find in the replay of a
	// topic: TTL is at most MaxUnstoredTTL then, which is the default, so that the replay holds all of it.
	Durable *bool `json:"durable,omitempty"`
	// Flush is how far the checkpoints may be behind.
	Flush Duration `json:"flush,omitempty"`
	// Transient says that every Publication with a Key is Transient. Durable is false then, TTL is at most TransientTTL, which is the default, and
	// readers are given what is new TransientRate times a second at most, unless Rate.Max says something else.
	Transient bool `json:"transient,omitempty"`
	// BytesPerSecond bounds what a subscription with state is given; 0 is without bound, or TransientBytes if the state is transient. What waits is
	// replaced by what is newer.
	BytesPerSecond int64 `json:"bytesPerSecond,omitempty"`
	// Assign puts the user, or the connection, that publishes in the place of the Key.
	Assign Assign `json:"assign,omitempty"`
}

// MaxUnstoredTTL is how long an entry is kept at most that no store has: less than what every topic can be replayed for.
const MaxUnstoredTTL = 4 * time.Minute

// MaxTTL is the longest life of an entry that has an end.
const MaxTTL = 31 * 24 * time.Hour

// MaxFlush is how far checkpoints may be behind at most: a replay has to reach back beyond them.
const MaxFlush = 2 * time.Minute

// Assign is whose name the keys of a channel are.
type Assign string

// What keys can be.
const (
	AssignUser       Assign = "user"       // the user's: one entry for each
	AssignConnection Assign = "connection" // the connection's: it is removed when that ends
)

// DefaultState returns the rules of a state that says nothing.
func DefaultState() State {
	durable := true
	return State{Keys: 10_000, Bytes: 8 << 20, Durable: &durable, Flush: Duration(time.Minute)}
}

// WithDefaults returns the rules with every default filled in.
func (s State) WithDefaults() State {
	d := DefaultState()
	if s.Keys == 0 {
		s.Keys = d.Keys
	}
	if s.Bytes == 0 {
		s.Bytes = d.Bytes
	}
	if s.Durable == nil {
		durable := !s.Transient
		s.Durable = &durable
	}
	if s.Flush == 0 {
		s.Flush = d.Flush
	}
	if s.TTL == 0 && s.Transient {
		s.TTL = Duration(TransientTTL)
	}
	s.BytesPerSecond = s.GrantedBytes()
	if s.TTL == 0 && !*s.Durable {
		s.TTL = Duration(MaxUnstoredTTL)
	}
	return s
}

func (s *State) check(field string) error {
	switch {
	case s == nil:
		return nil
	case s.Keys < 0 || s.Keys > 1_000_000:
		return Errorf(CodeBadRequest, "%s.keys: must be 0 to 1000000, got %d", field, s.Keys)
	case s.Bytes < 0 || s.Bytes > 1<<30:
		return Errorf(CodeBadRequest, "%s.bytes: must be 0 to 1073741824, got %d", field, s.Bytes)
	case s.TTL != 0 && (s.TTL < Duration(time.Second) || s.TTL > Duration(MaxTTL)):
		return Errorf(CodeBadRequest, "%s.ttl: must be 1s to %s, got %s", field, shortly(MaxTTL), shortly(time.Duration(s.TTL)))
	case s.Durable != nil && !*s.Durable && s.TTL > Duration(MaxUnstoredTTL):
		return Errorf(CodeBadRequest, "%s.ttl: must be 1s to %s if the state is not durable, got %s", field, shortly(MaxUnstoredTTL), shortly(time.Duration(s.TTL)))
	case s.Transient && s.Durable != nil && *s.Durable:
		return Errorf(CodeBadRequest, "%s.durable: must be false or left out if the state is transient", field)
	case s.Transient && s.TTL > Duration(TransientTTL):
		return Errorf(CodeBadRequest, "%s.ttl: must be 1s to %s if the state is transient, got %s", field, shortly(TransientTTL), shortly(time.Duration(s.TTL)))
	case s.Flush != 0 && (s.Flush < Duration(time.Second) || s.Flush > Duration(MaxFlush)):
		return Errorf(CodeBadRequest, "%s.flush: must be 1s to %s, got %s", field, shortly(MaxFlush), shortly(time.Duration(s.Flush)))
	}
	if s.BytesPerSecond != 0 {
		if err := CheckBytesPerSecond(field+".bytesPerSecond", s.BytesPerSecond); err != nil {
			return err
		}
	}
	if s.Assign == AssignConnection && s.TTL == 0 && !s.Transient && (s.Durable == nil || *s.Durable) {
		return Errorf(CodeBadRequest, "%s.ttl: is missing; with assign \"connection\", it ends what the connections of an instance leave behind that was lost", field)
	}
	switch s.Assign {
	case "", AssignUser, AssignConnection:
		return nil
	}
	return Errorf(CodeBadRequest, "%s.assign: must be user or connection, got %q", field, clip(string(s.Assign)))
}

// checkStored refuses events that are larger than what a store keeps.
func (t *Tenant) checkStored() error {
	if t.Limits.MessageBytes <= MaxStateBytes {
		return nil
	}
	for name, n := range t.Namespaces {
		if n.State != nil && *n.State.WithDefaults().Durable {
			return Errorf(CodeBadRequest, "limits.messageBytes: must be at most %d, because namespaces.%s.state is durable, got %d", MaxStateBytes, clip(name), t.Limits.MessageBytes)
		}
	}
	return nil
}
