package outbox

import (
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

// Limits bound an Outbox's data lane.
type Limits struct {
	Messages int // that have a policy; answers are bounded by Bytes alone
	Bytes    int // of frames; an answer counts FrameOverhead besides
}

const (
	// FrameOverhead is what a frame that is one connection's own costs besides its bytes.
	FrameOverhead = 128
	// MaxControlBytes bounds the control lane. It is some hundred heartbeats: a client that leaves
	// so many is gone, or sends pings and does not read the answers.
	MaxControlBytes = 64 << 10
	// MaxReplayBytes is how much of replays is queued at once, besides Limits.Bytes. The rest stays in the
	// records, which all readers share.
	MaxReplayBytes = 64 << 10
)

// Outbox is the bounded queue between the Hub and a Transport. It has two
// lanes: control frames never wait behind data and are never dropped, data
// frames keep their order and obey the Overflow policy they were queued with. Each lane has a bound
// in bytes; when it is full and nothing may be dropped, the client is too slow.
//
// Exactly one writer at a time empties it: whoever's Begin returned true calls Next
// until that returns nothing. An Outbox is safe for concurrent use; no
// lock is held while a frame is written.
type Outbox struct {
	encoder Encoder // nil: nothing is said of what the queue lets go
	limits  *Limits

	mu      sync.Mutex // guards all below, and limits
	waiting            // what does
	replays uint64     // frames that Replay has queued
	given   uint64     // their bytes
	pace    *bucket    // nil: as fast as the transport takes it
	source  func()     // calls replay; without mu held
	most    int        // of replays at once, in bytes
	writing bool
	taken   int64 // bytes that Next has returned
	refuses bool  // a lane overflowed
	closed  bool
}

// Delivery is one data frame on its way to a client.
type Delivery struct {
	Frame Frame
	// Channel is the subscription that it belongs to: when that ends, it is not sent any more. The zero
	// Channel is for what is owed all the same, such as answers.
	Channel realtime.Channel
	// Reader tells apart the subscriptions that a connection has to one channel.
	Reader uint32
	Key    string
	// Policy is what may happen to it when the queue is full. Empty is for answers, which are never
	// dropped.
	Policy realtime.Overflow
}

// cost is what the delivery counts against Limits.Bytes.
func (d *Delivery) cost() int {
	if d.Policy == "" {
		return len(d.Frame.Bytes) + FrameOverhead
	}
	return len(d.Frame.Bytes)
}

// New returns an empty outbox for frames of one protocol. Only an outbox that is never given to a Hub
// may do without an Encoder. limits may be shared by many; nil lets one frame wait at a time.
func New(protocol Encoder, limits *Limits) *Outbox {
	if limits == nil {
		limits = &Limits{}
	}
	return &Outbox{encoder: protocol, limits: limits, most: MaxReplayBytes}
}

// Encoder returns that of the outbox's protocol.
func (o *Outbox) Encoder() Encoder { return o.encoder }

// SetLimits replaces the bounds; they hold for what is queued from now on.
func (o *Outbox) SetLimits(limits *Limits) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limits = limits
}

// Replay queues a frame of a record for a reader that has missed it. There is room for few at a time: when it
// returns false, the source is called as soon as a writer has made room.
func (o *Outbox) Replay(c realtime.Channel, reader uint32, f Frame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.refuses {
		return true
	}
	d := Delivery{Frame: f, Channel: c, Reader: reader}
	if o.data.replayed > 0 && o.data.replayed+d.cost() > o.most {
		o.more = true
		return false
	}
	o.replays++
	o.given += uint64(len(f.Bytes))
	o.data.replay(&d)
	return true
}

// Replayed tells how many frames Replay has queued, and how many of them have been taken, or given up. With more, the source is
// called once all have.
func (o *Outbox) Replayed(more bool) (queued, taken uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if more && o.data.replays > 0 {
		o.more = true
	}
	return o.replays, o.replays - uint64(o.data.replays)
}

// ReplayFrom says what is to be called for more of a replay.
func (o *Outbox) ReplayFrom(source func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.source = source
}

// EndReplays says that there is no more of any replay.
func (o *Outbox) EndReplays() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.more = false
}

// Control queues a frame that overtakes all data. It returns false if too many wait already; then
// the outbox takes nothing more, as after a Push that returned false. After Close or such
// a refusal it does nothing and returns true.
func (o *Outbox) Control(f Frame) (ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.refuses || f.IsZero() {
		return true
	}
	if o.control.cost > 0 && o.control.cost+len(f.Bytes)+FrameOverhead > MaxControlBytes {
		o.refuse()
		return false
	}
	o.control.add(f)
	return true
}

// refuse gives up all data and takes nothing more.
func (o *Outbox) refuse() {
	o.refuses = true
	o.giveUp()
}

// Push queues a data frame. It returns how many queued Publications were given
// up for it, and false if the queue is full and nothing may be given up;
// then it has been emptied and takes no more data, and the connection has to be
// closed. After Close or such a refusal it does nothing and returns 0, true. The Delivery is not kept.
func (o *Outbox) Push(d *Delivery) (lost int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.refuses || d.Frame.IsZero() {
		return 0, true
	}
	lost = o.data.replace(d)
	for o.data.full(d, o.limits) {
		n := o.makeRoom(d)
		if n == 0 { // nothing that waits may be given up for it
			o.refuse()
			return lost, false
		}
		lost += n
	}
	o.data.add(d)
	return lost, true
}

// makeRoom gives up queued items for d and returns how many.
func (o *Outbox) makeRoom(d *Delivery) int {
	if d.Policy == realtime.OverflowDisconnect {
		return 0
	}
	if d.Policy == realtime.OverflowConflate && o.data.latest == nil {
		if n := o.data.conflate() + o.data.replace(d); n > 0 {
			return n
		}
	}
	oldest := o.data.droppable.first
	if oldest == 0 {
		return 0
	}
	if o.dropped == nil {
		o.dropped = map[realtime.Channel]int{}
	}
	o.dropped[o.data.at(oldest).channel]++
	o.data.remove(oldest)
	return 1
}

// Filling reports whether half of what may wait does: whoever holds back the writer has to let it write, and who can help it, should.
func (o *Outbox) Filling() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return 2*o.data.bytes >= o.limits.Bytes || o.data.counted > 0 && 2*o.data.counted >= o.limits.Messages || 2*o.control.cost >= MaxControlBytes
}

// Empty reports whether nothing at all waits.
func (o *Outbox) Empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting.empty()
}

// Idle reports whether no data waits: a control frame queued now comes after all of it.
func (o *Outbox) Idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting.idle()
}

// Forget gives up what waits for a subscription that has ended.
func (o *Outbox) Forget(c realtime.Channel, reader uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data.forget(c, reader)
	delete(o.dropped, c)
}

// Len returns how many data frames wait, and what they cost in bytes.
func (o *Outbox) Len() (frames, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.len, o.data.bytes + o.data.replayed
}

// Weight is Len for both lanes.
func (o *Outbox) Weight() (frames, bytes int) {
	frames, bytes = o.Len()
	o.mu.Lock()
	defer o.mu.Unlock()
	return frames + len(o.control.frames), bytes + o.control.cost
}

// Taken is how many bytes have been taken out to be written so far.
func (o *Outbox) Taken() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken
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
	if o.pace != nil {
		o.pace.timer.Stop()
		o.pace = nil
	}
	o.control.add(last...)
	o.giveUp()
}

// CloseFor is Close behind a frame that tells the client why.
func (o *Outbox) CloseFor(err *realtime.Error) {
	if o.encoder == nil {
		o.Close()
		return
	}
	o.Close(o.encoder.Closing(err))
}

// Last queues a frame behind all control frames, also after Close: the close frame of its transport.
func (o *Outbox) Last(f Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.control.add(f)
}

// LimitReplays replaces MaxReplayBytes for this outbox: tests of what happens while a replay is under way make it small.
func (o *Outbox) LimitReplays(bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.most = bytes
}
