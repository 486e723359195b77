// Package pace has the deadlines and intervals of a hub.
package pace

import "time"

// Pace holds the deadlines and intervals of a Hub.
type Pace struct {
	Horizon   time.Duration // how far back a replay is asked for; default 5 min
	Margin    time.Duration // what an asOf does not vouch for, since one channel may stall; 1 min
	Beacon    time.Duration // how long a replay may take to begin; 10 s
	Fence     time.Duration // how long a fence may take before the topic is followed anew; 15 s
	Heartbeat time.Duration // between heartbeats of a connection; 25 s
	Pulse     time.Duration // silence of a topic after which a pulse is sent; 20 s
	Linger    time.Duration // how long a topic is followed after its last connection, and a single channel after it was last needed; 15 s
	Memory    time.Duration // how long an ID is remembered at least; 10 min
	Skew      time.Duration // how far the clocks of instances, publishers and the broker may differ; 2 s
}

// WithDefaults returns the Pace with every default filled in.
func (p Pace) WithDefaults() Pace {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&p.Horizon, 5*time.Minute)
	set(&p.Margin, time.Minute)
	set(&p.Beacon, 10*time.Second)
	set(&p.Fence, 15*time.Second)
	set(&p.Heartbeat, 25*time.Second)
	set(&p.Pulse, 20*time.Second)
	set(&p.Linger, 15*time.Second)
	set(&p.Memory, 10*time.Minute)
	set(&p.Skew, 2*time.Second)
	return p
}

// Patience is how long a subscribe may wait before it is refused: a beacon, a
// fence, and a second fence on a stream followed anew.
func (p Pace) Patience() time.Duration { return p.Beacon + 2*p.Fence }

// Grace is how long a heartbeat waits for a write that it can join.
func (p Pace) Grace() time.Duration { return p.Heartbeat / 10 }
