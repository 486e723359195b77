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
	busy       uint64  // the busy period of the Scheduler that deficit is of
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

const (
	// quantum is what a tenant of weight 1 may have written in one turn, as charged.
	quantum = 8 << 10
	// writeCharge is what a write is charged besides its bytes: about as many could be copied while
	// the kernel is called and the client woken.
	writeCharge = 1 << 10
)

// enter puts a tenant for whom something waits behind all others, unless it has its place still. s.mu is held.
func (s *Scheduler) enter(t *Tenant) {
	if t.next != nil {
		return
	}
	if t.busy != s.busy {
		t.busy, t.deficit = s.busy, 0 // what it had too much of keeps nobody waiting any more
	}
	if s.active++; s.active == 1 {
		t.next, t.prev = t, t
		s.pass(t)
		return
	}
	t.next, t.prev = s.turn, s.turn.prev
	t.prev.next, t.next.prev = t, t
}

// rest is called when a worker has nothing of a tenant in hand any more. A tenant keeps its place, and its turn, until nothing of it
// waits and no worker has any of it. s.mu is held.
func (s *Scheduler) rest(t *Tenant) {
	if t.hands--; t.hands > 0 || t.turn != nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	if s.active--; s.active == 0 {
		s.turn = nil
		s.busy++
	} else if s.turn == t {
		s.pass(t.next)
	}
	t.next, t.prev = nil, nil
}

// pass gives a tenant its turn. What it left of the one before is lost. s.mu is held.
func (s *Scheduler) pass(t *Tenant) {
	s.turn = t
	t.deficit = min(t.deficit, 0) + quantum*t.weight
}

// choose returns the tenant that may have something written now: the one whose turn it is, or the next if it has had its
// share. Those that had more than it before are passed over. s.mu is held, and something waits.
func (s *Scheduler) choose() *Tenant {
	for s.turn.turn == nil || s.turn.deficit <= 0 {
		s.pass(s.turn.next)
	}
	return s.turn
}
