package hub

import (
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Options configure a Hub. Instance is required.
type Options struct {
	// Instance names this process among all that follow topics; it is new at every start.
	Instance string
	// Payload judges the Data of what a Broker carried here, whoever published it, and returns it in the form that
	// Encoders take: as it is, or a copy. An error has code CodeBadRequest and says why it is dropped. nil takes all.
	Payload func(data []byte) ([]byte, error)
	// Placement says which topic carries a tenant, by the ID and the Placement of its document and nothing
	// else; nil is OwnTopic. What comes through another topic than that is dropped.
	Placement func(*realtime.Tenant) realtime.Topic
	// Lifetime is the age at which a connection is asked to move to another one, before the
	// platform cuts it; each is asked at its own time in the last tenth of it. 0 asks nobody.
	Lifetime time.Duration
	// Pace are the deadlines and intervals; a zero field has its default.
	Pace Pace
	// Filters compiles filters; nil refuses them all.
	Filters view.Compiler
	// States keeps checkpoints of the states of channels; without it no namespace can have one that is durable.
	States  realtime.StateStore
	Budget  *budget.Budget   // what the process may keep, shared by all that keeps something; nil has no bound
	Metrics realtime.Metrics // nil forgets
	Tracer  realtime.Tracer  // nil follows nothing
	Logger  *slog.Logger     // nil discards; what names the instance in its lines is the caller's to add
}

// Pace holds the deadlines and intervals of a Hub.
type Pace struct {
	Horizon   time.Duration // how far back a replay is asked for; default 5 min
	Margin    time.Duration // what an asOf does not vouch for, since one channel may stall; 1 min
	Beacon    time.Duration // how long a replay may take to begin; 10 s
	Fence     time.Duration // how long a fence may take before the topic is followed anew; 15 s
	Heartbeat time.Duration // between heartbeats of a connection; 25 s
	Pulse     time.Duration // silence of a topic after which a pulse is sent; 20 s
	Linger    time.Duration // how long a topic is followed after its last connection; 15 s
	Memory    time.Duration // how long an ID is remembered at least; 10 min
	Skew      time.Duration // how far the clocks of instances, publishers and the broker may differ; 2 s
}

func (p Pace) withDefaults() Pace {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&p.Horizon, 5*time.Minute)
	set(&p.Margin, time.Minute)
	set(&p.Beacon, 10*time.Second)
	set(&p.Fence, 15*time.Second)
	set(&p.Heartbeat, 25*time.Second)
	set(&p.Pulse, 20*time.Second)
	set(&p.Linger, 15*time.Second)
	set(&p.Memory, 10*time.Minute)
	set(&p.Skew, 2*time.Second)
	return p
}

// patience is how long a subscribe may wait before it is refused: a beacon, a
// fence, and a second fence on a stream followed anew.
func (p Pace) patience() time.Duration { return p.Beacon + 2*p.Fence }
