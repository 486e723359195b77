package hub

import (
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/hub/fleet"
	"github.com/tidewire/tidewire/realtime/hub/pace"
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
	States   realtime.StateStore
	Audience fleet.Audience   // is told of the readers of channels; nil: nobody is
	Budget   *budget.Budget   // what the process may keep, shared by all that keeps something; nil has no bound
	Metrics  realtime.Metrics // nil forgets
	Tracer   realtime.Tracer  // nil follows nothing
	Logger   *slog.Logger     // nil discards; what names the instance in its lines is the caller's to add
}

// Pace holds the deadlines and intervals of a Hub.
type Pace = pace.Pace
