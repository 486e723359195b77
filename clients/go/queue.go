package tidewire

import (
	"cmp"
	"slices"
	"sync"
)

// Overflow is what happens to messages that a reader does not take fast enough.
type Overflow string

// The policies of a full Subscription.
const (
	// OverflowResume leaves the channel, and resumes it when half of the buffer is free. The server still has what is not too
	// old; if it does not, there is a Gap.
	OverflowResume Overflow = "resume"
	// OverflowDropOldest drops the oldest messages, and says how many.
	OverflowDropOldest Overflow = "drop-oldest"
)

// queue is what a reader has not taken yet. The loop puts, the reader takes.
type queue struct {
	most, mostBytes int
	overflow        Overflow
	ready           chan struct{} // holds one, when something has changed
	drained         func()        // called by the reader when half of it is free again, after room was refused

	mu      sync.Mutex // guards what follows
	updates []Update
	bytes   int
	dropped []Update // before the first of updates: how many messages of each channel, and where the last of them stood
	refused bool     // room, since drained was called
	err     error    // what comes last
	taken   uint64   // how many updates were taken
	asOf    int64    // that holds for what was taken
	nextAs  int64    // that holds when nextAt were taken
	nextAt  uint64
}

func newQueue(o *SubscribeOptions, drained func()) *queue {
	return &queue{most: o.Buffer, mostBytes: o.BufferBytes, overflow: o.Overflow, ready: make(chan struct{}, 1), drained: drained}
}

// roomFor reports whether there is room for a part of a snapshot, of at most so many bytes that wait.
func (q *queue) roomFor(u *Update, most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refused = q.bytes+u.size() > max(most, q.mostBytes)
	return !q.refused
}

// room reports whether there is room for a message, or makes it.
func (q *queue) room(u *Update) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.updates) > 0 && (len(q.updates) >= q.most || q.bytes+u.size() > q.mostBytes) {
		if q.overflow != OverflowDropOldest {
			q.refused = true
			return false
		}
		q.drop(q.shift())
	}
	return true
}

// drop notes that an update was dropped. A reader must not miss that something is missing.
func (q *queue) drop(u Update) {
	i := slices.IndexFunc(q.dropped, func(d Update) bool { return d.Channel == u.Channel })
	if u.small() && u.Kind != KindGap && u.Kind != KindDropped {
		return
	}
	if i < 0 {
		i = len(q.dropped)
		q.dropped = append(q.dropped, Update{Kind: KindDropped, Channel: u.Channel})
	}
	d := &q.dropped[i]
	switch u.Kind {
	case KindMessage:
		d.Count++
		d.Position = u.Position
	case KindDropped:
		d.Count += u.Count
	default:
		d.Count = max(d.Count, 1)
		d.Position = u.Position
	}
}

// put queues an update. One that takes no room replaces one of its kind and channel behind the last that does, so that there is one of
// each at most.
func (q *queue) put(u Update) {
	q.mu.Lock()
	for i := len(q.updates) - 1; i >= 0 && u.small() && q.updates[i].small(); i-- {
		if before := q.updates[i]; before.Kind == u.Kind && before.Channel == u.Channel {
			q.updates = slices.Delete(q.updates, i, i+1)
			q.bytes -= before.size()
			q.nextAs = 0 // what was before the mark comes behind it
			u.include(&before)
			break
		}
	}
	q.updates = append(q.updates, u)
	q.bytes += u.size()
	q.mu.Unlock()
	q.wake()
}

// small reports whether an update takes no room.
func (u *Update) small() bool { return u.Kind != KindMessage && u.Kind != KindSnapshot }

// include has an update say what one of its kind said before it.
func (u *Update) include(before *Update) {
	switch u.Kind {
	case KindLive:
		if u.Resumed { // what was to follow the one before follows this one
			u.Rewound, u.Complete = before.Rewound, before.Complete
		}
		u.Resumed = u.Resumed && before.Resumed
	case KindGap:
		if !u.Answer && before.Answer { // the gap is among what was to follow
			u.Answer, u.Rewound = true, before.Rewound
		}
	case KindDropped:
		u.Count += before.Count
	}
}

// mark notes that asOf holds when all that is queued has been taken.
func (q *queue) mark(asOf int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.nextAs, q.nextAt = asOf, q.taken+uint64(len(q.updates)) //nolint:gosec // a length
	q.reach()
}

func (q *queue) reach() {
	if q.nextAs != 0 && q.taken >= q.nextAt {
		q.asOf, q.nextAs = q.nextAs, 0
	}
}

// end ends the queue behind what it holds.
func (q *queue) end(err error) {
	q.mu.Lock()
	if q.err == nil {
		q.err = err
	}
	q.mu.Unlock()
	q.wake()
}

// ended is why the queue has ended.
func (q *queue) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return cmp.Or[error](q.err, ErrClosed)
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take returns the next update, or the end; neither if there is nothing yet.
func (q *queue) take() (u Update, ok bool, err error) {
	u, ok, drained, err := q.next()
	if drained { // not under the lock, which the loop may be waiting for
		q.drained()
	}
	return u, ok, err
}

func (q *queue) next() (u Update, ok, drained bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.dropped) > 0:
		u = q.dropped[0]
		if q.dropped = q.dropped[1:]; len(q.dropped) == 0 {
			q.dropped = nil
		}
		return u, true, false, nil
	case len(q.updates) == 0:
		return u, false, false, q.err
	}
	u = q.shift()
	if q.refused && len(q.updates) <= q.most/2 && q.bytes <= q.mostBytes/2 {
		q.refused, drained = false, true
	}
	return u, true, drained, nil
}

// shift takes the first update away.
func (q *queue) shift() Update {
	u := q.updates[0]
	q.updates[0] = Update{}
	if q.updates = q.updates[1:]; len(q.updates) == 0 {
		q.updates = nil
	}
	q.bytes -= u.size()
	q.taken++
	q.reach()
	return u
}
