package schedule

import "sync/atomic"

// Flusher writes what is queued for a connection.
type Flusher interface {
	// Flush writes what waits, as far as the client takes it now. It must not block, and must not panic. A Scheduler does
	// not call it twice at a time; others may.
	Flush()
	// Written is how many bytes of the connection have been written so far.
	Written() int64
}

// Connection is what a Scheduler knows of a connection. It is bound before it is used, and safe for concurrent use.
type Connection struct {
	flusher Flusher
	tenant  *Tenant
	state   atomic.Uint32
}

// The states of a Connection.
const (
	clean    uint32 = iota // nothing waits for a flush
	waiting                // for its turn
	flushing               // now
	again                  // flushing, and marked meanwhile
)

// Bind says whose connection it is, and what writes to it. It is called once, before all else.
func (c *Connection) Bind(t *Tenant, f Flusher) { c.tenant, c.flusher = t, f }

// Tenant returns whose connection it is.
func (c *Connection) Tenant() *Tenant { return c.tenant }

// Flusher returns what Bind was given.
func (c *Connection) Flusher() Flusher { return c.flusher }

// Mark says that something has been queued for the connection. It reports whether the caller has to hand it over to
// Scheduler.Flush; if not, it is waiting already, and what has been queued will be written then.
func (c *Connection) Mark() bool {
	for {
		switch c.state.Load() {
		case clean:
			if c.state.CompareAndSwap(clean, waiting) {
				return true
			}
		case flushing:
			if c.state.CompareAndSwap(flushing, again) {
				return false
			}
		default:
			return false
		}
	}
}

// flushAndMeasure is flush. It returns what is to be charged, too.
func (c *Connection) flushAndMeasure() (marked bool, cost int) {
	before := c.flusher.Written()
	marked = c.flush()
	return marked, int(c.flusher.Written()-before) + writeCharge
}

// flush flushes a connection that was marked. It reports whether it was marked once more meanwhile.
func (c *Connection) flush() (marked bool) {
	c.state.Store(flushing)
	c.flusher.Flush()
	if c.state.CompareAndSwap(flushing, clean) {
		return false
	}
	c.state.Store(waiting)
	return true
}
