package outbox

import "github.com/tidewire/tidewire/realtime"

// waiting is what waits in an Outbox, whose lock guards it.
type waiting struct {
	control lane
	data    queue
	dropped map[realtime.Channel]int // to be told
	more    bool                     // there is more of a replay
}

// idle reports whether nothing waits but control frames, and empty whether nothing at all does.
func (w *waiting) idle() bool  { return w.data.len == 0 && len(w.dropped) == 0 && !w.more }
func (w *waiting) empty() bool { return w.idle() && len(w.control.frames) == 0 }

// giveUp lets go of all but control frames.
func (w *waiting) giveUp() { w.data, w.dropped, w.more = queue{}, nil, false }

// tellDropped appends what tells the client of what its queue has let go.
func (w *waiting) tellDropped(protocol Encoder, buf [][]byte, size int) ([][]byte, int) {
	for c, n := range w.dropped {
		if protocol != nil {
			if f := protocol.Dropped(c, n); !f.IsZero() {
				buf = append(buf, f.Bytes)
				size += len(f.Bytes)
			}
		}
		delete(w.dropped, c)
	}
	return buf, size
}
