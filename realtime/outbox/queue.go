package outbox

import "github.com/tidewire/tidewire/realtime"

// outboxQueue holds what waits in the data lane, in order. An item keeps its slot for as long as
// it waits, whatever goes around it, so what points to slots cannot come to point to
// another item: the order and the droppable items are lists through the slots, and the index by
// key is changed by add and remove alone. All of it is O(1) except conflate, which is done once
// for each time that the queue fills, forget and release.
type queue struct {
	slots     []queued // by number less one: 0 is no slot
	free      int32    // the first slot that is free, linked by order.next
	order     list
	droppable list
	len       int                  // items that wait
	counted   int                  // of those, the ones that have a policy
	bytes     int                  // what the items cost, but for replays
	replayed  int                  // what the replays cost
	replays   int                  // how many they are
	latest    map[channelKey]int32 // while conflating: the only item of each key
}

type queued struct {
	frame            Frame
	channel          realtime.Channel
	reader           uint32
	key              string // of what may be conflated
	policy           realtime.Overflow
	replay           bool // never dropped, like an answer
	cost             int32
	order, droppable links
}

// list and links make slots a list. A zero is its end.
type (
	list  struct{ first, last int32 }
	links struct{ prev, next int32 }
)

type channelKey struct {
	channel realtime.Channel
	reader  uint32
	key     string
}

func (q *queue) at(i int32) *queued { return &q.slots[i-1] }

// first returns the oldest item; nil if none waits.
func (q *queue) first() *queued {
	if q.len == 0 {
		return nil
	}
	return q.at(q.order.first)
}

// add puts a delivery at the end. While conflating, nothing of its key waits.
func (q *queue) add(d *Delivery) {
	i := q.append(d)
	q.bytes += d.cost()
	if d.Policy == "" {
		return
	}
	q.counted++
	x := q.at(i)
	if !x.mayGo() {
		return
	}
	if q.droppable.last != 0 {
		x.droppable.prev, q.at(q.droppable.last).droppable.next = q.droppable.last, i
	} else {
		q.droppable.first = i
	}
	q.droppable.last = i
	if d.Policy == realtime.OverflowConflate && d.Key != "" {
		x.key = d.Key
		if q.latest != nil {
			q.latest[channelKey{x.channel, x.reader, x.key}] = i
		}
	}
}

// replay puts a delivery of a replay at the end.
func (q *queue) replay(d *Delivery) {
	i := q.append(d)
	q.at(i).replay = true
	q.replayed += d.cost()
	q.replays++
}

// append puts a delivery at the end of the order and returns its slot.
func (q *queue) append(d *Delivery) int32 {
	i := q.free
	if i == 0 {
		q.slots = append(q.slots, queued{})
		i = int32(len(q.slots))
	} else {
		q.free = q.at(i).order.next
	}
	x := q.at(i)
	*x = queued{frame: d.Frame, channel: d.Channel, reader: d.Reader, policy: d.Policy, cost: int32(d.cost())}
	if q.order.last != 0 {
		x.order.prev, q.at(q.order.last).order.next = q.order.last, i
	} else {
		q.order.first = i
	}
	q.order.last = i
	q.len++
	return i
}

// remove takes an item out.
func (q *queue) remove(i int32) {
	x := q.at(i)
	if x.order.prev != 0 {
		q.at(x.order.prev).order.next = x.order.next
	} else {
		q.order.first = x.order.next
	}
	if x.order.next != 0 {
		q.at(x.order.next).order.prev = x.order.prev
	} else {
		q.order.last = x.order.prev
	}
	q.len--
	if x.replay {
		q.replayed -= int(x.cost)
		q.replays--
	} else {
		q.bytes -= int(x.cost)
	}
	if x.policy != "" {
		q.counted--
	}
	if x.mayGo() {
		if x.droppable.prev != 0 {
			q.at(x.droppable.prev).droppable.next = x.droppable.next
		} else {
			q.droppable.first = x.droppable.next
		}
		if x.droppable.next != 0 {
			q.at(x.droppable.next).droppable.prev = x.droppable.prev
		} else {
			q.droppable.last = x.droppable.prev
		}
	}
	if x.key != "" && q.latest != nil {
		if k := (channelKey{x.channel, x.reader, x.key}); q.latest[k] == i {
			delete(q.latest, k)
		}
	}
	*x = queued{order: links{next: q.free}}
	q.free = i
}

// mayGo reports whether the policy of an item lets it be dropped.
func (x *queued) mayGo() bool {
	return x.policy == realtime.OverflowDropOldest || x.policy == realtime.OverflowConflate
}

// conflate indexes what waits by key and gives up all but the newest of each; from then on,
// until the queue has been released, a new item replaces its key's.
func (q *queue) conflate() (lost int) {
	q.latest = map[channelKey]int32{}
	for i := q.droppable.last; i != 0; {
		x := q.at(i)
		older := x.droppable.prev
		if x.key != "" {
			k := channelKey{x.channel, x.reader, x.key}
			if _, newer := q.latest[k]; newer {
				q.remove(i)
				lost++
			} else {
				q.latest[k] = i
			}
		}
		i = older
	}
	return lost
}

// replace removes the item of the key, if the queue conflates and has one.
func (q *queue) replace(d *Delivery) (lost int) {
	if q.latest == nil || d.Policy != realtime.OverflowConflate || d.Key == "" {
		return 0
	}
	i, waits := q.latest[channelKey{d.Channel, d.Reader, d.Key}]
	if !waits {
		return 0
	}
	q.remove(i)
	return 1
}

// forget removes the items of a subscription.
func (q *queue) forget(c realtime.Channel, reader uint32) {
	for i := q.order.first; i != 0; {
		x := q.at(i)
		next := x.order.next
		if x.channel == c && x.reader == reader {
			q.remove(i)
		}
		i = next
	}
}

// maxIdleSlots is how many slots an empty queue keeps for the next burst.
const maxIdleSlots = 32

// release lets go of what an empty queue need not keep.
func (q *queue) release() {
	q.latest = nil
	if cap(q.slots) > maxIdleSlots {
		*q = queue{}
	}
}

// full reports whether there is no room for a delivery.
func (q *queue) full(d *Delivery, limits *Limits) bool {
	return d.Policy != "" && q.counted > 0 && q.counted >= limits.Messages || q.bytes > 0 && q.bytes+d.cost() > limits.Bytes
}
