package hub

import (
	"runtime"
	"sync"

	"github.com/tidewire/tidewire/realtime/hub/channel"
)

func (f *feed) lock() {
	f.mu.Lock()
	f.fx.Steps = 0
	if f.held != nil {
		f.held.begin()
	}
}

// unlock releases f.mu and then does what must not be done under it: publish,
// write to sockets, close.
func (f *feed) unlock() {
	f.asked.carryOut()
	f.fitGrown()
	f.clock.wind()
	after := f.take()
	f.longest = max(f.longest, f.fx.Steps)
	if f.held != nil {
		f.held.end()
	}
	f.mu.Unlock()
	after.do()
}

// aftermath is what follows of a hold of the lock, to be done once it is released.
type aftermath struct {
	f      *feed
	out    []outgoing
	queued []*channel.Client
	closes []channel.Closing
	traced []channel.Traced
}

// take takes out what is to be done.
func (f *feed) take() aftermath {
	for i, fe := range f.fx.Fences {
		for _, g := range f.generations() {
			if fe.In(g.channels) {
				f.out = append(f.out, g.fencing(fe))
			}
		}
		f.fx.Fences[i] = nil
	}
	f.fx.Fences = f.fx.Fences[:0]
	a := aftermath{f, f.out, f.fx.Queued, f.fx.Closes, f.fx.Traced}
	f.out, f.fx.Queued, f.fx.Closes, f.fx.Traced = nil, nil, nil, nil
	channel.Flushed(a.queued)
	return a
}

func (a *aftermath) do() {
	for i := range a.out {
		a.publish(&a.out[i])
	}
	for _, c := range a.closes {
		conn, err := c.Client.Conn.(*Connection), c.Err
		if err == nil {
			err = conn.tooSlow()
		}
		conn.Close(err)
	}
	flush(a.queued)
	a.report()
	a.recycle()
}

// recycle keeps the slice of a flush for the next one.
func (a *aftermath) recycle() {
	if cap(a.queued) < 64 {
		return
	}
	clear(a.queued)
	a.f.mu.Lock()
	if a.f.fx.Queued == nil {
		a.f.fx.Queued = a.queued[:0]
	}
	a.f.mu.Unlock()
}

// fitGrown evicts what encodings have made too much.
func (f *feed) fitGrown() {
	if f.current != nil {
		f.current.channels.Records().FitGrown()
	}
	if f.next != nil {
		f.next.channels.Records().FitGrown()
	}
}

// flushShare is how many connections are worth a goroutine of their own.
const flushShare = 128

// flush lets the connections' transports write, on all processors if they are many.
func flush(clients []*channel.Client) {
	parts := min(runtime.GOMAXPROCS(0), len(clients)/flushShare)
	if parts < 2 {
		for _, c := range clients {
			c.Conn.(*Connection).flush()
		}
		return
	}
	var all sync.WaitGroup
	for i := range parts {
		part := clients[i*len(clients)/parts : (i+1)*len(clients)/parts]
		all.Go(func() {
			for _, c := range part {
				c.Conn.(*Connection).flush()
			}
		})
	}
	all.Wait()
}
