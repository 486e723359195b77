package hub

// ageHeap orders the channels of a quota that hold entries by their oldest: a binary heap, so that
// to find the oldest entry of all takes no more than the logarithm of the number of channels,
// whatever they hold. To remember an entry, and to evict one for its channel's own sake, touches
// the heap only when the channel was empty: turns only grow within a channel, so one in the heap is
// never too high, and one that is too low is mended at the front. A channel knows its place in the
// heap. It is guarded by feed.mu.
type ageHeap []aged

// aged is a channel and a turn that all of its entries have or are behind.
type aged struct {
	turn uint64
	ch   *channel
}

// add puts a channel in that has just got an entry, unless it is in.
func (h *ageHeap) add(ch *channel) {
	if ch.place > 0 {
		return
	}
	turn, _ := ch.turn()
	*h = append(*h, aged{turn, ch})
	ch.place = len(*h)
	h.up(ch.place - 1)
}

// first returns the channel that holds the oldest entry of all, or nil after a step
// towards it: what has been evicted otherwise is seen only when it comes to the front.
func (h *ageHeap) first() *channel {
	top := &(*h)[0]
	ch := top.ch
	turn, holds := ch.turn()
	switch {
	case !holds:
		h.remove(ch)
	case turn > top.turn:
		top.turn = turn
		h.down(0)
	default:
		return ch
	}
	return nil
}

// remove takes a channel out, if it is in.
func (h *ageHeap) remove(ch *channel) {
	if ch.place == 0 {
		return
	}
	i, last := ch.place-1, len(*h)-1
	h.swap(i, last)
	(*h)[last] = aged{}
	*h = (*h)[:last]
	ch.place = 0
	if i < last {
		h.up(i)
		h.down(i)
	}
}

func (h ageHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].turn <= h[i].turn {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h ageHeap) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].turn < h[least].turn {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

func (h ageHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].ch.place, h[j].ch.place = i+1, j+1
}
