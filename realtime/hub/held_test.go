package hub

import "time"

// held is the longest time for which a lock was held, as benchmarks have it: by the clock of the thread, which
// stands while others have the processor, or by that on the wall if the holder was moved to another thread.
type held struct {
	thread  func() time.Duration
	since   time.Duration
	began   time.Time
	longest time.Duration
}

func (h *held) begin() { h.since, h.began = h.thread(), time.Now() }

func (h *held) end() {
	wall, thread := time.Since(h.began), h.thread()-h.since
	if thread > 0 {
		wall = min(wall, thread)
	}
	h.longest = max(h.longest, wall)
}
