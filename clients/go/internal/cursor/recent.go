package cursor

// remembered is how many IDs are, of each channel: protocol.md asks for a thousand.
const remembered = 1000

// recent remembers the IDs of the last messages.
type recent struct {
	known map[string]struct{}
	order []string // a ring, once it is full
	next  int
}

// seen reports whether an ID is remembered, and remembers it.
func (r *recent) seen(id string) bool {
	if _, ok := r.known[id]; ok {
		return true
	}
	if r.known == nil {
		r.known = map[string]struct{}{}
	}
	r.known[id] = struct{}{}
	if len(r.order) < remembered {
		r.order = append(r.order, id)
		return false
	}
	delete(r.known, r.order[r.next])
	r.order[r.next] = id
	r.next = (r.next + 1) % remembered
	return false
}
