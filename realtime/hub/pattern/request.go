package pattern

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Request asks for all channels that a pattern selects.
type Request struct {
	Pattern realtime.Pattern
	Sub     string // what the client calls the subscription; empty if it does not
	// Since says where the client stands in the channels that it has read before. AsOf vouches for the others, as in channel.Request.
	Since map[realtime.Channel]realtime.Position
	AsOf  int64
	channel.Want
	// State asks for the states of the channels whose namespaces keep one; others are left out. Views are by what the client was shown what it
	// has of them, as in channel.Request.
	State bool
	Views map[realtime.Channel]string
	// Begins makes the answer, which comes before everything else. at is the moment from which on the channels are read that
	// are in neither. Complete tells that all states have been given that there were.
	Begins   func(at realtime.Position) outbox.Frame
	Complete func() outbox.Frame
}

// Admit refuses a subscription that a principal may not have, or that is too many beside those it has.
func Admit(req *Request, p *realtime.Principal, have List) *realtime.Error {
	if !p.MayAll(realtime.ActionSubscribe, req.Pattern) {
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant covers all of %q; a token with the subscribe pattern %q would", req.Pattern, req.Pattern)
	}
	if req.Occupancy {
		return realtime.Errorf(realtime.CodeBadRequest, "occupancy: is not told of all channels of a pattern; leave it out")
	}
	return have.Admit(req.Pattern, req.Sub)
}
