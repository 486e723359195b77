// Package heap orders items by a key that changes: whoever has an item finds it in the heap without a search.
package heap

// Heap is a binary heap of items, each once, with the least key first. An item keeps its place in the heap for it: Place
// returns where. A Heap is not safe for concurrent use.
type Heap[K, T any] struct {
	// Less reports whether a comes before b.
	Less func(a, b K) bool
	// Place returns the number that an item keeps: from 1, and 0 while it is not in the heap. Nobody else changes it.
	Place func(T) *int

	items []item[K, T]
}

type item[K, T any] struct {
	key  K
	item T
}

// Len returns how many items there are.
func (h *Heap[K, T]) Len() int { return len(h.items) }

// First returns the item with the least key. The heap is not empty.
func (h *Heap[K, T]) First() (K, T) { return h.items[0].key, h.items[0].item }

// Set enters an item with a key, or gives it another one.
func (h *Heap[K, T]) Set(t T, key K) {
	place := h.Place(t)
	if *place == 0 {
		h.items = append(h.items, item[K, T]{item: t})
		*place = len(h.items)
	}
	i := *place - 1
	h.items[i].key = key
	h.down(h.up(i))
}

// Remove takes an item out, if it is in.
func (h *Heap[K, T]) Remove(t T) {
	place := h.Place(t)
	if *place == 0 {
		return
	}
	i, last := *place-1, len(h.items)-1
	h.swap(i, last)
	h.items[last] = item[K, T]{}
	h.items = h.items[:last]
	*place = 0
	if i < last {
		h.down(h.up(i))
	}
}

func (h *Heap[K, T]) up(i int) int {
	for i > 0 && h.Less(h.items[i].key, h.items[(i-1)/2].key) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	return i
}

func (h *Heap[K, T]) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.items); child++ {
			if h.Less(h.items[child].key, h.items[least].key) {
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

func (h *Heap[K, T]) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.Place(h.items[i].item), *h.Place(h.items[j].item) = i+1, j+1
}
