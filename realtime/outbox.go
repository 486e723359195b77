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

	mu      sync.Mutex // guards all below
	control []Frame
	data    []queued // data[head:] waits; an item without a frame was conflated away
	head    int
	live    int                // items of data[head:] that have a frame
	counted int                // of those, the ones that count against the limits
	bytes   int                // of the counted
	latest  map[channelKey]int // while conflating: where the newest item of a key is, as an absolute number
	base    int                // absolute number of data[0]
	dropped map[Channel]int    // to be told
	writing bool
	refuses bool // data: it overflowed
	closed  bool
}

type queued struct {
	frame   Frame
	channel Channel
	key     string
	policy  Overflow // empty: never dropped (answers)
}

type channelKey struct {
	channel Channel
	key     string
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
	if o.closed || o.refuses {
		return 0, true
	}
	if d.Policy == OverflowConflate && o.latest != nil && d.Key != "" {
		lost += o.replace(channelKey{d.Channel, d.Key})
	}
	for d.Policy != "" && o.counted > 0 && (o.counted >= o.limits.Messages || o.bytes+len(d.Frame.Bytes) > o.limits.Bytes) {
		n := 0
		if d.Policy != OverflowDisconnect {
			n = o.makeRoom(d)
		}
		if n == 0 { // for the other policies: what is queued belongs to channels that disconnect
			o.refuses = true
			o.giveUp()
			return lost, false
		}
		lost += n
	}
	if d.Policy == OverflowConflate && o.latest != nil && d.Key != "" {
		o.latest[channelKey{d.Channel, d.Key}] = o.base + len(o.data)
	}
	o.data = append(o.data, queued{frame: d.Frame, channel: d.Channel, key: d.Key, policy: d.Policy})
	o.live++
	if d.Policy != "" {
		o.counted++
		o.bytes += len(d.Frame.Bytes)
	}
	return lost, true
}

// makeRoom gives up queued items for d and returns how many.
func (o *Outbox) makeRoom(d *Delivery) int {
	if d.Policy == OverflowConflate && o.latest == nil {
		n := o.startConflating()
		if d.Key != "" {
			n += o.replace(channelKey{d.Channel, d.Key})
		}
		if n > 0 {
			return n
		}
	}
	for i := o.head; i < len(o.data); i++ {
		if q := &o.data[i]; !q.frame.IsZero() && (q.policy == OverflowDropOldest || q.policy == OverflowConflate) {
			if o.dropped == nil {
				o.dropped = map[Channel]int{}
			}
			o.dropped[q.channel]++
			o.remove(i)
			return 1
		}
	}
	return 0
}

// startConflating indexes the queue by key and gives up all but the newest of
// each; from then until the queue is empty a new item replaces its key's.
func (o *Outbox) startConflating() (lost int) {
	o.latest = map[channelKey]int{}
	for i := o.head; i < len(o.data); i++ {
		q := &o.data[i]
		if q.frame.IsZero() || q.policy != OverflowConflate || q.key == "" {
			continue
		}
		k := channelKey{q.channel, q.key}
		lost += o.replace(k)
		o.latest[k] = o.base + i
	}
	return lost
}

func (o *Outbox) replace(k channelKey) int {
	at, ok := o.latest[k]
	if !ok || at-o.base < o.head {
		return 0
	}
	delete(o.latest, k)
	if o.data[at-o.base].frame.IsZero() {
		return 0
	}
	o.remove(at - o.base)
	return 1
}

// remove empties slot i. Empty slots at the front are skipped at once, those
// in the middle when they are half of the queue.
func (o *Outbox) remove(i int) {
	q := &o.data[i]
	if q.key != "" && o.latest != nil {
		k := channelKey{q.channel, q.key}
		if o.latest[k] == o.base+i {
			delete(o.latest, k)
		}
	}
	o.uncount(q)
	*q = queued{}
	for o.head < len(o.data) && o.data[o.head].frame.IsZero() {
		o.head++
	}
	if waiting := len(o.data) - o.head; waiting > 64 && o.live < waiting/2 || o.head > 64 && o.head > len(o.data)/2 {
		o.compact()
	}
}

func (o *Outbox) uncount(q *queued) {
	o.live--
	if q.policy != "" {
		o.counted--
		o.bytes -= len(q.frame.Bytes)
	}
}

func (o *Outbox) compact() {
	kept := o.data[:0]
	for i := o.head; i < len(o.data); i++ {
		q := o.data[i]
		if q.frame.IsZero() {
			continue
		}
		if q.key != "" && o.latest != nil {
			k := channelKey{q.channel, q.key}
			if o.latest[k] == o.base+i {
				o.latest[k] = o.base + len(kept)
			}
		}
		kept = append(kept, q)
	}
	clear(o.data[len(kept):])
	o.data, o.head = kept, 0
}

// Begin reports whether the caller is now the one writer. It is false while
// another is, and when there is nothing to write.
func (o *Outbox) Begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || len(o.control) == 0 && o.live == 0 {
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
	for o.head < len(o.data) {
		q := &o.data[o.head]
		n := len(q.frame.Bytes)
		if n > 0 {
			if size > 0 && size+n > most {
				break
			}
			buf = append(buf, q.frame.Bytes)
			size += n
			o.uncount(q)
		}
		*q = queued{}
		o.head++
	}
	if o.head == len(o.data) {
		o.rest()
	}
	if len(buf) == start {
		o.writing = false
	}
	return buf
}

// rest lets go of what an empty queue need not keep; small slices stay for the
// next burst.
func (o *Outbox) rest() {
	o.base += len(o.data)
	if cap(o.data) > 32 {
		o.data = nil
	} else {
		o.data = o.data[:0]
	}
	o.head, o.latest = 0, nil
	if cap(o.control) > 8 {
		o.control = nil
	}
}

// Empty reports whether nothing at all waits.
func (o *Outbox) Empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.live == 0 && len(o.control) == 0
}

// Idle reports whether no data waits: a control frame queued now comes after all of it.
func (o *Outbox) Idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.live == 0
}

// Len returns how many data frames and bytes wait.
func (o *Outbox) Len() (frames, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.live, o.bytes
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
	o.data, o.head, o.live, o.counted, o.bytes, o.latest, o.dropped = nil, 0, 0, 0, 0, nil, nil
}
