package outbox_test

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// outboxModel is what an Outbox does, told as simply as possible: slices that are walked
// whole each time. It states the policies:
//
//   - The queue is full for a delivery if the delivery would make it more than Messages, of those with a
//     policy, or Bytes, of all; but one delivery of any size passes an empty queue.
//   - disconnect: nothing is given up for it. Full is the end.
//   - drop-oldest: the oldest deliveries that may be dropped go, and are told, until it fits.
//     Those of drop-oldest and conflate may, whichever of the two wants the room.
//   - conflate: the first that finds the queue full makes it conflate, until a writer has emptied
//     it. Then of each key of a channel only the newest waits, at its own place; what is replaced
//     is not told. If that makes no room, it is drop-oldest.
//   - no policy (answers): never given up; drop-oldest makes room for them.
//   - Replays are never given up and count against a bound of their own, which
//     holds back more of them. A writer that has taken half of it asks for more.
//   - What belongs to a channel is given up when its subscription ends.
//   - The control lane has a bound in bytes. Full is the end.
type outboxModel struct {
	limits     outbox.Limits
	control    [][]byte
	data       []waiting
	backlog    []waiting // what the source has
	dropped    map[realtime.Channel]int
	conflating bool
	writing    bool
	refuses    bool
	closed     bool
}

type waiting struct {
	outbox.Delivery
	replay bool
}

func (w waiting) cost() int {
	if w.Policy == "" {
		return len(w.Frame.Bytes) + outbox.FrameOverhead
	}
	return len(w.Frame.Bytes)
}

func (m *outboxModel) push(x outbox.Delivery) (lost int, ok bool) {
	d := waiting{Delivery: x}
	if m.closed || m.refuses {
		return 0, true
	}
	if m.conflating {
		lost += m.replace(d)
	}
	for m.full(d) {
		n := 0
		switch {
		case d.Policy == realtime.OverflowDisconnect:
		case d.Policy == realtime.OverflowConflate && !m.conflating:
			m.conflating = true
			n = m.conflate(d)
			if n == 0 {
				n = m.dropOldest()
			}
		default:
			n = m.dropOldest()
		}
		if n == 0 {
			m.refuses = true
			m.giveUp()
			return lost, false
		}
		lost += n
	}
	m.data = append(m.data, d)
	return lost, true
}

func (m *outboxModel) full(d waiting) bool {
	messages, bytes := m.counted()
	return d.Policy != "" && messages > 0 && messages >= m.limits.Messages || bytes > 0 && bytes+d.cost() > m.limits.Bytes
}

// counted adds up what counts against the limits.
func (m *outboxModel) counted() (messages, bytes int) {
	for _, d := range m.data {
		if d.Policy != "" {
			messages++
		}
		if !d.replay {
			bytes += d.cost()
		}
	}
	return messages, bytes
}

func (m *outboxModel) replayed() (bytes int) {
	for _, d := range m.data {
		if d.replay {
			bytes += d.cost()
		}
	}
	return bytes
}

// refill queues as much of the backlog as there is room for.
func (m *outboxModel) refill() {
	for len(m.backlog) > 0 {
		if bytes := m.replayed(); bytes > 0 && bytes+m.backlog[0].cost() > outbox.MaxReplayBytes {
			return
		}
		if !m.closed && !m.refuses {
			m.data = append(m.data, m.backlog[0])
		}
		m.backlog = m.backlog[1:]
	}
}

func (m *outboxModel) forget(c realtime.Channel) {
	m.keep(func(i int) bool { return m.data[i].Channel != c })
	delete(m.dropped, c)
}

func (m *outboxModel) controls() (bytes int) {
	for _, f := range m.control {
		bytes += len(f) + outbox.FrameOverhead
	}
	return bytes
}

// replaces reports whether d takes the place of one that waits.
func replaces(d, waits waiting) bool {
	return d.Policy == realtime.OverflowConflate && waits.Policy == realtime.OverflowConflate &&
		d.Key != "" && d.Key == waits.Key && d.Channel == waits.Channel
}

// keep keeps what is to be kept and returns how many are not.
func (m *outboxModel) keep(keeps func(i int) bool) (lost int) {
	var kept []waiting
	for i, d := range m.data {
		if keeps(i) {
			kept = append(kept, d)
		}
	}
	lost = len(m.data) - len(kept)
	m.data = kept
	return lost
}

func (m *outboxModel) replace(d waiting) int {
	return m.keep(func(i int) bool { return !replaces(d, m.data[i]) })
}

// conflate gives up all but the newest of each key, d being the newest of its own.
func (m *outboxModel) conflate(d waiting) int {
	return m.keep(func(i int) bool {
		for _, later := range m.data[i+1:] {
			if replaces(later, m.data[i]) {
				return false
			}
		}
		return !replaces(d, m.data[i])
	})
}

func (m *outboxModel) dropOldest() (lost int) {
	return m.keep(func(i int) bool {
		p := m.data[i].Policy
		if lost == 1 || p != realtime.OverflowDropOldest && p != realtime.OverflowConflate {
			return true
		}
		lost = 1
		if m.dropped == nil {
			m.dropped = map[realtime.Channel]int{}
		}
		m.dropped[m.data[i].Channel]++
		return false
	})
}

func (m *outboxModel) queueControl(f []byte) (ok bool) {
	switch bytes := m.controls(); {
	case m.closed, m.refuses:
		return true
	case bytes > 0 && bytes+len(f)+outbox.FrameOverhead > outbox.MaxControlBytes:
		m.refuses = true
		m.giveUp()
		return false
	}
	m.control = append(m.control, f)
	return true
}

func (m *outboxModel) begin() bool {
	if m.writing || m.empty() {
		return false
	}
	m.writing = true
	return true
}

// next returns the frames that a writer is given, and what it is to tell before the data.
func (m *outboxModel) next(most int) (control [][]byte, dropped map[realtime.Channel]int, data [][]byte) {
	if m.replayed() < outbox.MaxReplayBytes/2 {
		m.refill()
	}
	control, dropped = m.control, m.dropped
	m.control, m.dropped = nil, nil
	size := 0
	for _, f := range control {
		size += len(f)
	}
	for c, n := range dropped {
		size += len(tell(c, n).Bytes)
	}
	for len(m.data) > 0 {
		f := m.data[0].Frame.Bytes
		if size > 0 && size+len(f) > most {
			break
		}
		data = append(data, f)
		size += len(f)
		m.data = m.data[1:]
	}
	if len(m.data) == 0 {
		m.conflating = false
	}
	if len(control)+len(dropped)+len(data) == 0 {
		m.writing = false
	}
	return control, dropped, data
}

func (m *outboxModel) close(last [][]byte) {
	if m.closed {
		return
	}
	m.closed = true
	m.control = append(m.control, last...)
	m.giveUp()
}

func (m *outboxModel) giveUp() { m.data, m.backlog, m.dropped, m.conflating = nil, nil, nil, false }

func (m *outboxModel) idle() bool  { return len(m.data)+len(m.backlog)+len(m.dropped) == 0 }
func (m *outboxModel) empty() bool { return m.idle() && len(m.control) == 0 }
