package realtime

import "time"

// History says how much of a channel can be read by HTTP: from what its topic keeps, and so beyond the record. A zero field has the default
// stated in DefaultHistory.
type History struct {
	// Count is how many Publications of a channel, and For how old they may be: no older than what the topic keeps.
	Count int      `json:"count,omitempty"`
	For   Duration `json:"for,omitempty"`
}

// MaxHistoryCount is how many Publications of a channel can be read at most.
const MaxHistoryCount = 100_000

// DefaultHistory returns the rules of a history that says nothing.
func DefaultHistory() History { return History{Count: 1000, For: Duration(DefaultRetention)} }

// Reach is how much of the channels of a namespace can be read by HTTP: without a History what a record may have.
func (n *Namespace) Reach() History {
	h := History{Count: n.Window, For: n.WindowFor}
	if n.History != nil {
		d := DefaultHistory()
		h = *n.History
		if h.Count == 0 {
			h.Count = d.Count
		}
		if h.For == 0 {
			h.For = d.For
		}
	}
	return h
}

func (h *History) check(field string, retention time.Duration) error {
	switch {
	case h == nil:
		return nil
	case h.Count < 0 || h.Count > MaxHistoryCount:
		return Errorf(CodeBadRequest, "%s.count: must be 0 to %d, got %d", field, MaxHistoryCount, h.Count)
	case h.For < 0 || h.For > Duration(retention):
		return Errorf(CodeBadRequest, "%s.for: must be at most %s, because a topic keeps no more, got %s", field, shortly(retention), shortly(time.Duration(h.For)))
	case h.For == 0 && retention < DefaultRetention:
		return Errorf(CodeBadRequest, "%s.for: must be at most %s, because a topic keeps no more, and is %s unless it is said", field, shortly(retention), shortly(DefaultRetention))
	}
	return nil
}
