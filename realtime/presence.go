package realtime

import (
	"encoding/json"
	"time"
)

// Member is one who is present on a channel: a user, or a connection if Presence.Of says so.
type Member struct {
	User       string          `json:"user"`
	Connection string          `json:"connection,omitempty"` // if members are connections
	Groups     []string        `json:"groups,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"` // what it has entered with, if it has
}

// Presence says who is present on the channels of a namespace. A zero field has the default stated in DefaultPresence.
type Presence struct {
	// Of is what a member is.
	Of PresenceOf `json:"of,omitempty"`
	// Members is who is one.
	Members PresenceMembers `json:"members,omitempty"`
	// Grace is how long a member whose connections were lost is taken for present: one who comes back within it has never been away.
	Grace Duration `json:"grace,omitempty"`
	// Max is how many members are named. Of more only the number is told.
	Max int `json:"max,omitempty"`
}

// PresenceOf is what a member is.
type PresenceOf string

// What members are.
const (
	PresenceOfUser       PresenceOf = "user"       // a user, however many connections it has
	PresenceOfConnection PresenceOf = "connection" // a connection
)

// PresenceMembers is who is a member.
type PresenceMembers string

// Who members are.
const (
	PresenceSubscribed PresenceMembers = "subscribed" // who is subscribed to the channel, or has entered it
	PresenceEntered    PresenceMembers = "entered"    // who has entered it
)

// MaxGrace is the longest Grace, and MaxEnterBytes bounds what a member enters with, as JSON.
const (
	MaxGrace      = time.Minute
	MaxEnterBytes = 1 << 10
)

// DefaultPresence returns the rules of a namespace that says nothing.
func DefaultPresence() Presence {
	return Presence{Of: PresenceOfUser, Members: PresenceSubscribed, Grace: Duration(5 * time.Second), Max: 1000}
}

// WithDefaults returns the rules with every default filled in. None at all are the default ones.
func (p *Presence) WithDefaults() Presence {
	d := DefaultPresence()
	if p == nil {
		return d
	}
	full := *p
	if full.Of == "" {
		full.Of = d.Of
	}
	if full.Members == "" {
		full.Members = d.Members
	}
	if full.Grace == 0 {
		full.Grace = d.Grace
	}
	if full.Max == 0 {
		full.Max = d.Max
	}
	return full
}

func (p *Presence) check(field string) error {
	if p == nil {
		return nil
	}
	switch p.Of {
	case "", PresenceOfUser, PresenceOfConnection:
	default:
		return Errorf(CodeBadRequest, "%s.of: must be user or connection, got %q", field, clip(string(p.Of)))
	}
	switch p.Members {
	case "", PresenceSubscribed, PresenceEntered:
	default:
		return Errorf(CodeBadRequest, "%s.members: must be subscribed or entered, got %q", field, clip(string(p.Members)))
	}
	if p.Grace != 0 && (p.Grace < Duration(time.Second) || p.Grace > Duration(MaxGrace)) {
		return Errorf(CodeBadRequest, "%s.grace: must be 1s to %s, got %s", field, shortly(MaxGrace), shortly(time.Duration(p.Grace)))
	}
	if p.Max < 0 || p.Max > 5000 {
		return Errorf(CodeBadRequest, "%s.max: must be 1 to 5000, got %d", field, p.Max)
	}
	return nil
}
