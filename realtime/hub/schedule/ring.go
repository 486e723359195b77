package schedule

// ring has the tenants for whom something waits, or is flushed by a worker, in the order of their turns. It is guarded by Scheduler.mu.
type ring struct {
	turn   *Tenant // whose turn it is; nil if there is none
	active int     // how many there are
	passes uint64  // of the turn so far
	busy   uint64  // how often there were none any more, and 1
}

const (
	// quantum is what a tenant of weight 1 may have written in one turn, as charged.
	quantum = 8 << 10
	// writeCharge is what a write is charged besides its bytes: about as many could be copied while
	// the kernel is called and the client woken.
	writeCharge = 1 << 10
)

// enter puts a tenant for whom something waits behind all others, unless it has its place still.
func (r *ring) enter(t *Tenant) {
	if t.next != nil {
		return
	}
	r.settle(t)
	if r.active++; r.active == 1 {
		t.next, t.prev = t, t
		r.pass(t)
		return
	}
	t.next, t.prev = r.turn, r.turn.prev
	t.prev.next, t.next.prev = t, t
}

// settle forgets what a tenant had too much of, or too little, before nothing waited: it keeps nobody waiting any more.
func (r *ring) settle(t *Tenant) {
	if t.busy != r.busy {
		t.busy, t.deficit, t.left = r.busy, quantum*t.weight, r.passes
	}
}

// rest is called when a worker has nothing of a tenant in hand any more. A tenant keeps its place, and its turn, until nothing of it
// waits and no worker has any of it.
func (r *ring) rest(t *Tenant) {
	if t.hands--; t.hands > 0 || t.turn != nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	if r.active--; r.active == 0 {
		r.turn = nil
		r.busy++
	} else if r.turn == t {
		r.pass(t.next)
	}
	t.next, t.prev, t.left = nil, nil, r.passes
}

// credit takes out what a tenant for whom nothing waits may have written out of turn; 0 is nothing. It is what it would have in a
// turn, once in each round of the others. Something waits.
func (r *ring) credit(t *Tenant) int {
	if t.next != nil {
		return 0
	}
	if r.settle(t); r.passes-t.left > uint64(r.active) {
		t.deficit, t.left = min(t.deficit, 0)+quantum*t.weight, r.passes
	}
	credit := max(t.deficit, 0)
	t.deficit -= credit
	return credit
}

// pass gives a tenant its turn. What it left of the one before is lost.
func (r *ring) pass(t *Tenant) {
	r.turn = t
	r.passes++
	t.deficit = min(t.deficit, 0) + quantum*t.weight
}

// choose returns the tenant that may have something written now: the one whose turn it is, or the next if it has had its
// share. Those that had more than it before are passed over. Something waits.
func (r *ring) choose() *Tenant {
	for r.turn.turn == nil || r.turn.deficit <= 0 {
		r.pass(r.turn.next)
	}
	return r.turn
}
