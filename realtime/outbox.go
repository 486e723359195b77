package realtime

import "sync"

// QueueLimits bound an Outbox's data lane.
type QueueLimits struct {
	Messages int
	Bytes    int
}

// Outbox is the bounded queue between the Hub and a Transport. It has two
// lanes: control frames never wait behind data and are never dropped, data
// frames keep their order and obey the Overflow policy they were queued with.
//
// Exactly one writer at a time empties it: whoever's Begin returned true calls Next
// until that returns nothing. An Outbox is safe for concurrent use; no
// lock is held while a frame is written.
type Outbox struct {
	limits *QueueLimits

	mu      sync.Mutex // guards all below, and limits
	control []Frame
	data    outboxQueue
	dropped map[Channel]int // to be told
	writing bool
	refuses bool // data: it overflowed
	closed  bool
}

// Delivery is one data frame on its way to a client.
type Delivery struct {
	Frame   Frame
	Channel Channel
	Key     string
	// Policy is what may happen to it when the queue is full. Empty is for answers and
	// replays, which are never dropped and do not count: the limits of subscriptions and
	// records bound them, and a replay's frames are the record's own.
	Policy Overflow
}

// NewOutbox returns an empty outbox. limits may be shared by many.
func NewOutbox(limits *QueueLimits) *Outbox { return &Outbox{limits: limits} }

// SetLimits replaces the bounds; they hold for what is queued from now on.
func (o *Outbox) SetLimits(limits *QueueLimits) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limits = limits
}

// Control queues a frame that overtakes all data. After Close it does nothing.
func (o *Outbox) Control(f Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.control = append(o.control, f)
	}
}

// Push queues a data frame. It returns how many queued Publications were given
// up for it, and false if the queue is full and nothing may be given up;
// then it has been emptied and takes no more data, and the connection has to be
// closed. After Close or such a refusal it does nothing and returns 0, true.
func (o *Outbox) Push(d Delivery) (lost int, ok bool) {
	return o.offer(&d)
}

func (o *Outbox) offer(d *Delivery) (lost int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.push(d)
}

func (o *Outbox) push(d *Delivery) (lost int, ok bool) {
	if o.closed || o.refuses || d.Frame.IsZero() {
		return 0, true
	}
	lost = o.data.replace(d)
	for o.full(d) {
		n := o.makeRoom(d)
		if n == 0 { // nothing that waits may be given up for it
			o.refuses = true
			o.giveUp()
			return lost, false
		}
		lost += n
	}
	o.data.add(d)
	return lost, true
}

func (o *Outbox) full(d *Delivery) bool {
	q := &o.data
	return d.Policy != "" && q.counted > 0 && (q.counted >= o.limits.Messages || q.bytes+len(d.Frame.Bytes) > o.limits.Bytes)
}

// makeRoom gives up queued items for d and returns how many.
func (o *Outbox) makeRoom(d *Delivery) int {
	if d.Policy == OverflowDisconnect {
		return 0
	}
	if d.Policy == OverflowConflate && o.data.latest == nil {
		if n := o.data.conflate() + o.data.replace(d); n > 0 {
			return n
		}
	}
	oldest := o.data.droppable.first
	if oldest == 0 {
		return 0
	}
	if o.dropped == nil {
		o.dropped = map[Channel]int{}
	}
	o.dropped[o.data.at(oldest).channel]++
	o.data.remove(oldest)
	return 1
}

// Begin reports whether the caller is now the one writer. It is false while
// another is, and when there is nothing to write.
func (o *Outbox) Begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || o.empty() {
		return false
	}
	o.writing = true
	return true
}

// Next moves the frames to write next, control first, to the end of buf: at
// least one and about most bytes, or none, and then the caller is the writer no longer. tell makes
// the frames that say what was dropped; nil if nobody wants to know.
func (o *Outbox) Next(buf [][]byte, most int, tell func(Channel, int) Frame) [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	size, start := 0, len(buf)
	for _, f := range o.control {
		buf = append(buf, f.Bytes)
		size += len(f.Bytes)
	}
	clear(o.control)
	o.control = o.control[:0]
	for c, n := range o.dropped {
		if tell != nil {
			f := tell(c, n)
			buf = append(buf, f.Bytes)
			size += len(f.Bytes)
		}
		delete(o.dropped, c)
	}
	for x := o.data.first(); x != nil; x = o.data.first() {
		n := len(x.frame.Bytes)
		if size > 0 && size+n > most {
			break
		}
		buf = append(buf, x.frame.Bytes)
		size += n
		o.data.remove(o.data.order.first)
	}
	if o.data.len == 0 {
		o.data.release()
		o.dropped = nil
		if cap(o.control) > maxIdleControl {
			o.control = nil
		}
	}
	if len(buf) == start {
		o.writing = false
	}
	return buf
}

// maxIdleControl is how many control frames an empty outbox keeps room for.
const maxIdleControl = 8

// Empty reports whether nothing at all waits.
func (o *Outbox) Empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.empty()
}

func (o *Outbox) empty() bool { return o.idle() && len(o.control) == 0 }
func (o *Outbox) idle() bool  { return o.data.len == 0 && len(o.dropped) == 0 }

// Idle reports whether no data waits: a control frame queued now comes after all of it.
func (o *Outbox) Idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.idle()
}

// Len returns how many data frames and bytes wait.
func (o *Outbox) Len() (frames, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.len, o.data.bytes
}

// Close gives up all data and takes no more frames; control frames already
// queued, and last, can still be taken.
func (o *Outbox) Close(last ...Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed = true
	o.control = append(o.control, last...)
	o.giveUp()
}

// Last queues a frame behind all control frames, also after Close: the close frame of its transport.
func (o *Outbox) Last(f Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.control = append(o.control, f)
}

func (o *Outbox) giveUp() {
	o.data, o.dropped = outboxQueue{}, nil
}
