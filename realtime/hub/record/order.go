package record

import "sort"

// order is a list of nodes by a number that only grows: a node that is moved to the end leaves a hole behind, and holes
// are closed when they are as many as nodes.
type order struct {
	slots []slot
	head  int // slots before it are holes
	nodes int
}

type slot struct {
	number uint64
	node   *node // nil is a hole
}

// append puts a node at the end; number is larger than all before.
func (o *order) append(number uint64, n *node) {
	if len(o.slots)-o.head > 2*o.nodes+32 {
		o.close()
	}
	o.slots = append(o.slots, slot{number, n})
	o.nodes++
}

// remove takes out the node of a number.
func (o *order) remove(number uint64) {
	i := o.from(number)
	if i == len(o.slots) || o.slots[i].number != number || o.slots[i].node == nil {
		return
	}
	o.slots[i].node = nil
	o.nodes--
	for o.head < len(o.slots) && o.slots[o.head].node == nil {
		o.head++
	}
	if o.head == len(o.slots) {
		o.slots, o.head = nil, 0
	}
}

// replace puts another node in the place of the one of a number.
func (o *order) replace(number uint64, n *node) {
	if i := o.from(number); i < len(o.slots) && o.slots[i].number == number && o.slots[i].node != nil {
		o.slots[i].node = n
	}
}

// close closes the holes.
func (o *order) close() {
	kept := make([]slot, 0, o.nodes+o.nodes/2+32)
	for _, s := range o.slots[o.head:] {
		if s.node != nil {
			kept = append(kept, s)
		}
	}
	o.slots, o.head = kept, 0
}

// from returns the index of the first slot with a number, or a larger one.
func (o *order) from(number uint64) int {
	return o.head + sort.Search(len(o.slots)-o.head, func(i int) bool { return o.slots[o.head+i].number >= number })
}

// after returns the first node behind a number; nil if there is none.
func (o *order) after(number uint64) *node {
	for i := o.from(number + 1); i < len(o.slots); i++ {
		if n := o.slots[i].node; n != nil {
			return n
		}
	}
	return nil
}

// first returns the node with the least number; nil if there is none.
func (o *order) first() *node {
	if o.head < len(o.slots) {
		return o.slots[o.head].node
	}
	return nil
}
