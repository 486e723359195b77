package tidewire

import (
	"context"

	"github.com/tidewire/tidewire/realtime"
)

// Condition is what has to hold of an Event's Key for the event to count. The zero Condition is none.
type Condition struct {
	is realtime.ConditionKind
	at string
}

// IfAbsent holds for a key without a value.
func IfAbsent() Condition { return Condition{is: realtime.ConditionAbsent} }

// IfPresent holds for a key with a value.
func IfPresent() Condition { return Condition{is: realtime.ConditionPresent} }

// IfAt holds for a key whose value was published at a position.
func IfAt(position string) Condition {
	return Condition{is: realtime.ConditionPosition, at: position}
}

// Decision is what has become of an event with a Condition.
type Decision struct {
	ID      string // of the event
	Applied bool   // it counts; otherwise it is given to nobody
	// Position is where the value was published that the key has now: the event's own if it counts, else the winner's. It is empty if the key has none.
	Position string
}

// PublishIf publishes an event that counts only if something holds of its key, in a namespace that keeps state, and returns what all servers have decided. It is sent
// again, with the same ID, like that of Publish. A server may forget what has become of an event: after half a minute, look at the key instead. An
// error with code CodeConflict says that nobody can tell any more.
func (c *Client) PublishIf(ctx context.Context, e Event, condition Condition) (Decision, error) {
	cond := &realtime.Condition{Is: condition.is}
	if condition.is == realtime.ConditionPosition {
		at, err := realtime.ParsePosition(condition.at)
		if err != nil {
			return Decision{}, err
		}
		cond.Position = at
	}
	w, err := c.enqueue(ctx, e, cond)
	if err != nil {
		return Decision{}, err
	}
	id, err := w.Wait(ctx)
	if err != nil {
		return Decision{ID: id}, err
	}
	d := Decision{ID: id}
	if a := w.p.Answer; a != nil {
		d.Applied, d.Position = a.Applied != nil && *a.Applied, a.Position
	}
	return d, nil
}
