package outbox

import "time"

// bucket bounds how many bytes of data are written in a second. Control frames are written all the same, and count.
type bucket struct {
	rate  float64 // bytes a second
	burst float64 // at most at once, but for a frame that is larger
	have  float64 // less than nothing after such a frame, or after control frames
	at    time.Time
	timer *time.Timer
}

const (
	// burstPart is how much of a second may be written at once: what waits longer waits where only the newest of each key does.
	burstPart  = 0.25
	leastBurst = 256
)

// Pace bounds how many bytes a second an Outbox gives to its writer: never more than bytes a second and a quarter of that at once, or one frame
// if that is larger. What is given from the records (Replay) waits there, and not in the queue. wake is called when there is something to write
// again. 0 is without bound.
func Pace(o *Outbox, bytes int64, wake func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pace != nil {
		o.pace.timer.Stop()
	}
	if o.pace, o.most = nil, MaxReplayBytes; bytes <= 0 || o.closed {
		if !o.closed { // what has waited for the bucket need not
			time.AfterFunc(0, wake)
		}
		return
	}
	burst := max(float64(bytes)*burstPart, leastBurst)
	o.pace = &bucket{rate: float64(bytes), burst: burst, have: burst, at: time.Now(), timer: time.AfterFunc(0, wake)}
	o.most = min(int(burst), MaxReplayBytes)
}

// Given returns how many bytes Replay has queued, and how many it queues at once.
func Given(o *Outbox) (bytes uint64, atOnce int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.given, o.most
}

// fill adds what has come since it was looked at last.
func (b *bucket) fill(now time.Time) {
	b.have = min(b.burst, b.have+b.rate*now.Sub(b.at).Seconds())
	b.at = now
}

// allows reports whether a frame of so many bytes may be written now.
func (b *bucket) allows(n int) bool { return b == nil || b.have >= min(float64(n), b.burst) }

// take takes what is written.
func (b *bucket) take(n int) {
	if b != nil {
		b.have -= float64(n)
	}
}

// next is how many bytes are to be allowed before there is something to write; 0 if there is nothing, or something that need not wait.
func next(o *Outbox) int {
	switch x := o.data.first(); {
	case len(o.control.frames) > 0 || len(o.dropped) > 0:
		return 0
	case x != nil:
		return len(x.frame.Bytes)
	case o.more:
		return o.most / 2
	}
	return 0
}

// held reports whether all that waits has to wait for the bucket, and has the writer called when it need not.
func held(o *Outbox) bool {
	b := o.pace
	if b == nil {
		return false
	}
	n := next(o)
	if n == 0 {
		return false
	}
	b.fill(time.Now())
	if b.allows(n) {
		return false
	}
	const late = time.Microsecond // so that it is enough by then
	b.timer.Reset(time.Duration((min(float64(n), b.burst)-b.have)/b.rate*float64(time.Second)) + late)
	return true
}
