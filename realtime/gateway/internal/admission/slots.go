package admission

// Slots bounds how many of something there are at once, and makes nobody wait: what finds no slot is refused.
// It is safe for concurrent use.
type Slots chan struct{}

// Take takes a slot, and reports false if none is free. One that was taken has to be freed.
func (s Slots) Take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

// Free gives a slot back.
func (s Slots) Free() { <-s }
