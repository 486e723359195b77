package canary

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Server is what is tried.
type Server struct {
	// URL is where its sockets and streams are: http://127.0.0.1:8080.
	URL string
	// Token returns a token for a user with rights, good for the time of a test. Channels that are nil are those of the pattern AllChannels, and with
	// Features.Transient of AllPassing: what it lets see of the one it lets see of the other.
	Token func(user string, r Rights) (string, error)
	// Publish publishes, and returns when the publication was stored: what is published next comes after it.
	Publish func(p *realtime.Publication) error
	// Policy puts Clients and Columns into force for every viewer, at once or within seconds. nil: it has no such rules.
	Policy func(r Rights) error
	// Send sends an event to the connections of one user, on no channel. nil: it has no such events.
	Send func(user string, p *realtime.Publication) error
	// PublishIf publishes what has a condition, and returns whether it counts. nil: it has no conditions.
	PublishIf func(p *realtime.Publication) (applied bool, err error)
	// Stranger returns a token of another tenant for all its channels. Who has it sees nothing. nil: there is no other tenant.
	Stranger func() (string, error)
	// HistoryURL is where the management API is that is asked for history and presence; for Features.Retained and PresenceHTTP.
	HistoryURL string
	// Features say what it serves.
	Features Features
}

// Features are what a server serves beyond live delivery, resume, and grants. Acts that need another one are left out.
type Features struct {
	// Filters are those of tokens (Rights.Clients), Columns the projections of tokens (Rights.Columns).
	Filters, Columns bool
	// Filter and Fields are those that a client asks for, State is snapshots, Rate is maxRate, and Tune changes a
	// subscription, or pauses it.
	Filter, Fields, State, Rate, Tune bool
	// Stream is Server-Sent Events, Posts is frames of the socket in a request that they answer, Wildcards are subscriptions to patterns of channels.
	Stream, Posts, Wildcards bool
	// Patterns says that subscriptions to patterns are tuned and resumed as others are, and that streams have them.
	Patterns bool
	// Rewind is subscriptions that begin in the past, History is pages of it by the socket, and Retained by HTTP, beyond what a gateway has.
	Rewind, History, Retained bool
	// Presence is who is present, also as state if there is State, for tokens that grant it where they grant a channel. PresenceHTTP is
	// what the management API says of it.
	Presence, PresenceHTTP bool
	// Demand is which channels and keys are read, for tokens that grant it (Rights.Demand). Transient is state of AllPassing, which nothing keeps: what Policy says
	// holds for it too.
	Demand, Transient bool
}

// Options are the bounds of a run. The zero value works.
type Options struct {
	Seed  uint64
	Steps int // of each viewer; 0 is 20
	// Patience is how long it waits for what has to come; 0 is 20 s.
	Patience time.Duration
	// Acts are tried beside the stock ones.
	Acts []Act
	// Logf is told what is done; nil tells nobody. It is (*testing.T).Logf.
	Logf func(format string, args ...any)
}

// Act is something that a viewer does next.
type Act struct {
	Name string
	// Needs reports whether a server can be tried with it; nil: all can.
	Needs func(Features) bool
	// Do does it. An error is the server's fault. It is called when everything that is due has arrived, or
	// the viewer has paused.
	Do func(v *Viewer) error
}
