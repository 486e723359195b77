// Package held holds back what comes for the state of a channel until all that is older has come.
package held

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// The bounds of what is held back from the state of a channel.
const (
	mostHeld      = 2048
	mostHeldBytes = 256 << 10
)

// Messages are what is held back from the state of a channel until all that is older has come.
type Messages struct {
	// Early says that something was let go before that.
	Early bool

	messages []realtime.Message
	bytes    int
}

// Len is how many messages are held.
func (h *Messages) Len() int { return len(h.messages) }

// Add holds a message, and reports whether that is too much: then all are to be let go.
func (h *Messages) Add(m *realtime.Message) (over bool) {
	h.messages = append(h.messages, *m)
	h.bytes += heldBytes(m)
	over = len(h.messages) > mostHeld || h.bytes > mostHeldBytes
	h.Early = h.Early || over
	return over
}

func heldBytes(m *realtime.Message) int { return len(m.Data) + len(m.ID) + len(m.Key) }

// Second reports whether the second copy of an event is held whose first one has come, published at a moment. It is held no more.
func (h *Messages) Second(id string, at time.Time) bool {
	i := slices.IndexFunc(h.messages, func(m realtime.Message) bool { return m.ID == id && m.Time.After(at) })
	if i < 0 {
		return false
	}
	h.bytes -= heldBytes(&h.messages[i])
	h.messages = slices.Delete(h.messages, i, i+1)
	return true
}

// Take returns what is held, in the order of publish times, and holds it no more.
func (h *Messages) Take() []realtime.Message {
	all := h.messages
	h.messages, h.bytes = nil, 0
	slices.SortStableFunc(all, func(a, b realtime.Message) int { return cmp.Compare(a.Time.UnixMilli(), b.Time.UnixMilli()) })
	return all
}
