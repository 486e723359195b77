package outbox

// lane holds the control frames that wait, in order.
type lane struct {
	frames []Frame
	cost   int // in bytes
}

// maxIdleControl is how many control frames an empty outbox keeps room for.
const maxIdleControl = 8

// add puts frames at the end, but for those that are zero.
func (l *lane) add(frames ...Frame) {
	for _, f := range frames {
		if f.IsZero() {
			continue
		}
		l.frames = append(l.frames, f)
		l.cost += len(f.Bytes) + FrameOverhead
	}
}

// take moves all frames to the end of buf.
func (l *lane) take(buf [][]byte) [][]byte {
	for _, f := range l.frames {
		buf = append(buf, f.Bytes)
	}
	clear(l.frames)
	l.frames, l.cost = l.frames[:0], 0
	return buf
}

// release gives back the room of a crowd.
func (l *lane) release() {
	if cap(l.frames) > maxIdleControl {
		l.frames = nil
	}
}
