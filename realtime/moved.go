package realtime

import "time"

// Moved says that a tenant is being moved, or was, from one topic to another: its document has a new
// Placement. Nobody loses anything, whenever each process sees the document, because of what each does by the clock:
//
//	At                                                                     Until
//	|--- Settled (1/10) ---------- Reads (1/2) ------ Leaves (4/5) --------|
//	publishers publish to both topics .....................................
//	      from here all do:        hubs read the new  who is still on the
//	      the new one is complete  one, clients move  old one is closed
//
// From Settled to Reads is longer than the resume horizon, so that the record of the new topic answers for all
// that a client may have missed. Where it does not reach, the answer is gap, as always.
type Moved struct {
	// From is the placement before, "own" or "pooled".
	From string `json:"from"`
	// At is when the document was written, and Until when the move is over.
	At    time.Time `json:"at"`
	Until time.Time `json:"until"`
}

// MoveTakes is how long a move takes: Settled to Reads is six minutes of it, and At to Settled a minute
// and a half, within which every publisher has seen the document.
const MoveTakes = 15 * time.Minute

// NewMoved returns a move that begins.
func NewMoved(from string, at time.Time) *Moved {
	if from == "" {
		from = PlacementOwn
	}
	return &Moved{From: from, At: at, Until: at.Add(MoveTakes)}
}

// after is the moment at which a number of tenths of the move are over.
func (m *Moved) after(tenths int) time.Time {
	return m.At.Add(m.Until.Sub(m.At) / 10 * time.Duration(tenths))
}

// Settled is the moment from which all that is published is on the new topic.
func (m *Moved) Settled() time.Time { return m.after(1) }

// Reads is the moment from which hubs read the new topic.
func (m *Moved) Reads() time.Time { return m.after(5) }

// Leaves is the moment at which nobody may read the old topic any more.
func (m *Moved) Leaves() time.Time { return m.after(8) }

func (m *Moved) check() error {
	switch {
	case m == nil:
		return nil
	case m.From != PlacementOwn && m.From != PlacementPooled:
		return Errorf(CodeBadRequest, "moved.from: must be own or pooled, got %q", clip(m.From))
	case m.At.IsZero() || !m.Until.After(m.At):
		return Errorf(CodeBadRequest, "moved.until: must be later than moved.at")
	}
	return nil
}

// previousTopic is the topic a tenant is moved away from, if it is on the way.
func previousTopic(place func(*Tenant) Topic, t *Tenant, now time.Time) (Topic, bool) {
	if t.Moved == nil || !now.Before(t.Moved.Until) {
		return "", false
	}
	return place(&Tenant{ID: t.ID, Placement: t.Moved.From}), true
}

// ReadTopic is the topic that carries a tenant to a hub.
func ReadTopic(place func(*Tenant) Topic, t *Tenant, now time.Time) Topic {
	if from, moving := previousTopic(place, t, now); moving && now.Before(t.Moved.Reads()) {
		return from
	}
	return place(t)
}

// WriteTopics are the topics that a publisher publishes to, the first n of topics. The one that most hubs read is
// the first.
func WriteTopics(place func(*Tenant) Topic, t *Tenant, now time.Time) (topics [2]Topic, n int) {
	topics[0] = place(t)
	if from, moving := previousTopic(place, t, now); moving && from != topics[0] {
		return [2]Topic{from, topics[0]}, 2
	}
	return topics, 1
}
