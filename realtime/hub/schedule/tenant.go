package schedule

// Tenant is one of those among whom the processors are shared. It is made by Scheduler.Join and safe for
// concurrent use.
type Tenant struct {
	s  *Scheduler
	id string

	// Guarded by s.mu.
	joined     int // connections
	weight     int
	deficit    int     // what it may have written before the next has its turn; below 0 it has had too much
	hands      int     // workers that have some of its connections
	busy       uint64  // ring.busy when deficit was of use last
	left       uint64  // ring.passes when it left the ring, or was given credit
	turn       *batch  // the fan-out whose turn it is, in a ring; nil if nothing waits
	next, prev *Tenant // in the ring of those for whom something waits, or is flushed by a worker
}

// Join returns the Tenant of that name for one more connection. If it is the first, the weight of its share is that, which is
// positive.
func (s *Scheduler) Join(id string, weight int) *Tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[id]
	if t == nil {
		t = &Tenant{s: s, id: id, weight: weight}
		s.tenants[id] = t
	}
	t.joined++
	return t
}

// Leave is called once a connection has ended: with its last one a Tenant is forgotten.
func (s *Scheduler) Leave(c *Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := c.tenant; t.joined == 1 {
		delete(s.tenants, t.id)
	} else {
		t.joined--
	}
}

// SetWeight replaces the weight.
func (t *Tenant) SetWeight(weight int) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.weight = weight
}
