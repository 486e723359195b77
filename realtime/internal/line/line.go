// Package line has lines of items that wait in order, from which any may go, and along which work goes item by item.
package line

import linked "container/list"

// Line has items in the order in which they were added. It is not safe for concurrent use.
type Line[T any] struct {
	// Place returns where an item keeps its place in the line.
	Place func(T) **linked.Element

	all linked.List
	// unplaced is the first of those that are to be placed; all before it have been.
	unplaced *linked.Element
}

// First returns the one that was added first; the zero value if there is none.
func (l *Line[T]) First() T { return itemOf[T](l.all.Front()) }

// Unplaced returns the first of those that are to be placed; the zero value if there is none.
func (l *Line[T]) Unplaced() T { return itemOf[T](l.unplaced) }

func itemOf[T any](e *linked.Element) (item T) {
	if e != nil {
		item = e.Value.(T)
	}
	return item
}

// Replace says that all are to be placed.
func (l *Line[T]) Replace() { l.unplaced = l.all.Front() }

// Placed says that the first that was to be placed has been.
func (l *Line[T]) Placed() { l.unplaced = l.unplaced.Next() }

// Add appends an item.
func (l *Line[T]) Add(item T) { *l.Place(item) = l.all.PushBack(item) }

// Remove takes an item out; it is in.
func (l *Line[T]) Remove(item T) {
	place := *l.Place(item)
	if l.unplaced == place {
		l.unplaced = place.Next()
	}
	l.all.Remove(place)
}
