package faultybroker

import "sync"

// Stats count what a Broker has done.
type Stats struct {
	Published int // messages it was given
	Delivered int // messages that its streams returned, repeated ones too

	Refused        int // those behind one that was refused late too
	Disowned       int
	Retried        int // copies that were stored later
	FollowsRefused int
	LateReplays    int
	Added          int // calls of Add and Remove
	AddsRefused    int // of them, or disowned
	Delays         int
	Redeliveries   int // times that a channel went back
	Redelivered    int // messages that went back
	Lost           int
	Inverted       int // fences, on each stream
	FencesCut      int
	Stalls         int
	Breaks         int // those of cut fences too
	Ends           int
}

// counters are the Stats of a Broker and its streams.
type counters struct {
	mu    sync.Mutex // guards stats; taken after every other lock
	stats Stats
}

func (c *counters) count(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}

func (c *counters) read() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}
