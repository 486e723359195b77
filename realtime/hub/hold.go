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
	f.carryOut()
	f.fitGrown()
	f.takeFences()
	out, queued, closes, traced := f.out, f.fx.Queued, f.fx.Closes, f.fx.Traced
	f.out, f.fx.Queued, f.fx.Closes, f.fx.Traced = nil, nil, nil, nil
	channel.Flushed(queued)
	f.longest = max(f.longest, f.fx.Steps)
	if f.held != nil {
		f.held.end()
	}
	f.mu.Unlock()
	for i := range out {
		f.publish(&out[i])
	}
	for _, c := range closes {
		conn, err := c.Client.Conn.(*Connection), c.Err
		if err == nil {
			err = conn.tooSlow()
		}
		conn.Close(err)
	}
	flush(queued)
	f.report(traced, queued)
	f.recycle(queued)
}

// takeFences makes messages of the fences to be sent.
func (f *feed) takeFences() {
	for i, fe := range f.fx.Fences {
		for _, g := range f.generations() {
			if fe.In(g.channels) {
				f.out = append(f.out, g.fencing(fe))
			}
		}
		f.fx.Fences[i] = nil
	}
	f.fx.Fences = f.fx.Fences[:0]
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

// recycle keeps the slice of a flush for the next one.
func (f *feed) recycle(queued []*channel.Client) {
	if cap(queued) < 64 {
		return
	}
	clear(queued)
	f.mu.Lock()
	if f.fx.Queued == nil {
		f.fx.Queued = queued[:0]
	}
	f.mu.Unlock()
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
