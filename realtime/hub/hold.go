package hub

import (
	"runtime"
	"sync"
)

// mostSteps bounds what one hold of the lock does of work that could be split: some hundred
// microseconds. What remains is done in the next one, and deliveries come between.
const mostSteps = 256

func (f *feed) lock() {
	f.mu.Lock()
	f.steps = 0
	if f.held != nil {
		f.held.begin()
	}
}

// tired reports whether the lock is to be given to others before more is done.
func (f *feed) tired() bool { f.steps++; return f.steps > mostSteps }

// unlock releases f.mu and then does what must not be done under it: publish,
// write to sockets, close.
func (f *feed) unlock() {
	f.fitGrown()
	out, dirty, closes, traced := f.out, f.dirty, f.closes, f.traced
	f.out, f.dirty, f.closes, f.traced = nil, nil, nil, nil
	for _, c := range dirty {
		c.dirty = false
	}
	f.longest = max(f.longest, f.steps)
	if f.held != nil {
		f.held.end()
	}
	f.mu.Unlock()
	for i := range out {
		out[i].publish(f)
	}
	for _, c := range closes {
		c.conn.Close(c.err)
	}
	flush(dirty)
	f.report(traced, dirty)
	f.recycle(dirty)
}

// fitGrown evicts what encodings have made too much.
func (f *feed) fitGrown() {
	if f.current != nil {
		f.current.records.FitGrown()
	}
	if f.next != nil {
		f.next.records.FitGrown()
	}
}

// recycle keeps the slice of a flush for the next one.
func (f *feed) recycle(dirty []*Connection) {
	if cap(dirty) < 64 {
		return
	}
	clear(dirty)
	f.mu.Lock()
	if f.dirty == nil {
		f.dirty = dirty[:0]
	}
	f.mu.Unlock()
}

// flushShare is how many connections are worth a goroutine of their own.
const flushShare = 128

// flush lets the connections' transports write, on all processors if they are many.
func flush(conns []*Connection) {
	parts := min(runtime.GOMAXPROCS(0), len(conns)/flushShare)
	if parts < 2 {
		for _, c := range conns {
			c.flush()
		}
		return
	}
	var all sync.WaitGroup
	for i := range parts {
		part := conns[i*len(conns)/parts : (i+1)*len(conns)/parts]
		all.Go(func() {
			for _, c := range part {
				c.flush()
			}
		})
	}
	all.Wait()
}
