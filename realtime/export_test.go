package realtime

// What the tests of package realtime_test do as the Hub does.

func (o *Outbox) Forget(c Channel)               { o.forget(c) }
func (o *Outbox) Replay(c Channel, f Frame) bool { return o.replay(c, f) }
func (o *Outbox) ReplayFrom(source func())       { o.replayFrom(source) }
func (o *Outbox) Weight() (frames, bytes int)    { return o.weight() }

// ReplayLess makes an Outbox hold back replays sooner.
func (o *Outbox) ReplayLess(bytes int) { o.most = bytes }

func (o *Outbox) Replayed() { o.replayed() }

// Spoil makes whatever handles the channel next panic, in handling its readers.
func (h *Hub) Spoil(c Channel) {
	for _, f := range h.followed() {
		f.lock()
		if ch := f.current.channels[c]; ch != nil {
			ch.readers = append([]*reader{nil}, ch.readers...)
		}
		f.unlock()
	}
}

// The bounds of an Outbox that are not QueueLimits.
const (
	FrameOverhead   = frameOverhead
	MaxControlBytes = maxControlBytes
	MaxReplayBytes  = maxReplayBytes
)
