package resumetest

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// FaultKind says in which way the claim does not hold.
type FaultKind string

// The kinds of Fault.
const (
	FaultMissing    FaultKind = "missing"    // events did not come, and no gap was told at that place
	FaultRepeated   FaultKind = "repeated"   // an event came twice
	FaultDisordered FaultKind = "disordered" // an event came after one that was published later
	FaultUnknown    FaultKind = "unknown"    // an event was never published to that channel
	FaultEarly      FaultKind = "early"      // something came before the first answer
	FaultUnasked    FaultKind = "unasked"    // an answer came to no question
	FaultUnanswered FaultKind = "unanswered" // no answer came, or none in time
)

// Fault is one violation of the claim.
type Fault struct {
	Kind    FaultKind
	Client  string
	Channel realtime.Channel
	ID      string        // the event at which it was seen; empty at the end
	Missing int           // how many events are missing before it
	Late    time.Duration // how long a question was open
	At      time.Time
}

// String says it for people.
func (f Fault) String() string {
	s := fmt.Sprintf("%s %s %v: %s", f.At.UTC().Format("15:04:05.000"), f.Client, f.Channel, f.Kind)
	switch f.Kind {
	case FaultMissing:
		if f.ID == "" {
			return fmt.Sprintf("%s: the last %d", s, f.Missing)
		}
		return fmt.Sprintf("%s: %d before %q", s, f.Missing, f.ID)
	case FaultUnanswered:
		return fmt.Sprintf("%s for %v", s, f.Late)
	}
	return fmt.Sprintf("%s %q", s, f.ID)
}
