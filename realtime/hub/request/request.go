// Package request says what a client asks of a channel.
package request

import "github.com/tidewire/tidewire/realtime"

// Check refuses what no channel can be asked for.
func (r *Request) Check() error {
	if r.State && !r.Rewind.IsZero() {
		return realtime.Errorf(realtime.CodeBadRequest, "rewind: is not served with state, which begins with the newest of each key; leave one of both out")
	}
	return r.Rewind.Check()
}

// Request asks for a channel.
type Request struct {
	// ID is what the client calls its request; the answer carries it. It is the protocol's own, and may be empty.
	ID      string
	Channel realtime.Channel
	// Since is where the client stands; zero reads from now on, an unusable one is answered with a gap.
	Since realtime.Position
	// AsOf is the newest asOf the client was told on the connection on which it last read
	// the channel, in milliseconds; 0 if it was told none.
	AsOf int64
	// Sub is what the client calls the subscription, to tell it apart from others to the channel; empty if it does not.
	Sub string
	// Roams says that the subscription has come by a pattern: it ends by itself when there is nothing more to be known of the channel.
	Roams bool
	// Quiet says that the client does not wait for an answer: it is told only if something is missing.
	Quiet bool
	// Begins is from when on a reader that has had nothing before is to have everything, ms; 0 is from its answer on.
	Begins int64
	Want
	// Rewind is how far back the subscription begins, unless Since can be answered.
	Rewind realtime.Rewind
	// State asks for the state of the channel before what changes. View is by which view the client was shown what it has of it (view.View.Digest).
	State bool
	View  string
}

// Want is how a client wants a channel.
type Want struct {
	// Filter is what it wants to see only; empty is everything. Fields are the members of data that it wants; nil is all.
	Filter string
	Fields []string
	// Keys are those that it wants, each a name or the beginning of one and "*"; nil is all.
	Keys []string
	// MaxRate is how many flushes a second it wants at most; 0 is without bound. Paused wants none.
	MaxRate float64
	Paused  bool
	// Occupancy wants to be told how many read the channel.
	Occupancy bool
}

// Plain reports whether all is wanted, at once.
func (w *Want) Plain() bool {
	return w.Filter == "" && w.Fields == nil && w.Keys == nil && w.MaxRate == 0 && !w.Paused && !w.Occupancy
}

// Disbelieve drops what nobody can have been told: moments later than newest, in milliseconds, which is later than
// everything that was published before the question. A Position that is unusable leaves nothing for AsOf to vouch for.
func (r *Request) Disbelieve(newest int64) {
	if r.Since.Time > newest {
		r.Since = realtime.UnusablePosition()
	}
	if r.AsOf > newest || !r.Since.IsUsable() {
		r.AsOf = 0
	}
}
