package realtime

// outboxQueue holds what waits in the data lane, in order. An item keeps its slot for as long as
// it waits, whatever goes around it, so what points to slots cannot come to point to
// another item: the order and the droppable items are lists through the slots, and the index by
// key is changed by add and remove alone. All of it is O(1) but conflate and release.
type outboxQueue struct {
	slots     []queued // by number less one: 0 is no slot
	free      int32    // the first slot that is free, linked by order.next
	order     list
	droppable list
	len       int                  // items that wait
	counted   int                  // of those, the ones that count against the limits
	bytes     int                  // of the counted
	latest    map[channelKey]int32 // while conflating: the only item of each key
}

type queued struct {
	frame            Frame
	channel          Channel
	key              string // of what may be conflated
	policy           Overflow
	order, droppable links
}

// list and links make slots a list. A zero is its end.
type (
	list  struct{ first, last int32 }
	links struct{ prev, next int32 }
)

type channelKey struct {
	channel Channel
	key     string
}

func (q *outboxQueue) at(i int32) *queued { return &q.slots[i-1] }

// first returns the oldest item; nil if none waits.
func (q *outboxQueue) first() *queued {
	if q.len == 0 {
		return nil
	}
	return q.at(q.order.first)
}

// add puts a delivery at the end. While conflating, nothing of its key waits.
func (q *outboxQueue) add(d *Delivery) {
	i := q.free
	if i == 0 {
		q.slots = append(q.slots, queued{})
		i = int32(len(q.slots))
	} else {
		q.free = q.at(i).order.next
	}
	x := q.at(i)
	*x = queued{frame: d.Frame, channel: d.Channel, policy: d.Policy}
	if q.order.last != 0 {
		x.order.prev, q.at(q.order.last).order.next = q.order.last, i
	} else {
		q.order.first = i
	}
	q.order.last = i
	q.len++
	if d.Policy == "" {
		return
	}
	q.counted++
	q.bytes += len(d.Frame.Bytes)
	if d.Policy == OverflowDisconnect {
		return
	}
	if q.droppable.last != 0 {
		x.droppable.prev, q.at(q.droppable.last).droppable.next = q.droppable.last, i
	} else {
		q.droppable.first = i
	}
	q.droppable.last = i
	if d.Policy == OverflowConflate && d.Key != "" {
		x.key = d.Key
		if q.latest != nil {
			q.latest[channelKey{x.channel, x.key}] = i
		}
	}
}

// remove takes an item out.
func (q *outboxQueue) remove(i int32) {
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
	if x.policy != "" {
		q.counted--
		q.bytes -= len(x.frame.Bytes)
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
		if k := (channelKey{x.channel, x.key}); q.latest[k] == i {
			delete(q.latest, k)
		}
	}
	*x = queued{order: links{next: q.free}}
	q.free = i
}

// mayGo reports whether the policy of an item lets it be dropped.
func (x *queued) mayGo() bool {
	return x.policy == OverflowDropOldest || x.policy == OverflowConflate
}

// conflate indexes what waits by key and gives up all but the newest of each; from then on,
// until the queue has been released, a new item replaces its key's.
func (q *outboxQueue) conflate() (lost int) {
	q.latest = map[channelKey]int32{}
	for i := q.droppable.last; i != 0; {
		x := q.at(i)
		older := x.droppable.prev
		if x.key != "" {
			k := channelKey{x.channel, x.key}
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
func (q *outboxQueue) replace(d *Delivery) (lost int) {
	if q.latest == nil || d.Policy != OverflowConflate || d.Key == "" {
		return 0
	}
	i, waits := q.latest[channelKey{d.Channel, d.Key}]
	if !waits {
		return 0
	}
	q.remove(i)
	return 1
}

// maxIdleSlots is how many slots an empty queue keeps for the next burst.
const maxIdleSlots = 32

// release lets go of what an empty queue need not keep.
func (q *outboxQueue) release() {
	q.latest = nil
	if cap(q.slots) > maxIdleSlots {
		*q = outboxQueue{}
	}
}
