package hub

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/client"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/hub/stream"
)

func (f *feed) lock() {
	f.mu.Lock()
	f.fx.Begin()
	if f.held != nil {
		f.held.begin()
	}
}

// unlock releases f.mu and then does what must not be done under it: publish,
// write to sockets, close.
func (f *feed) unlock() {
	f.asked.carryOut()
	f.fitGrown()
	setAlarm(f)
	if f.fx.Unhanded {
		f.fx.Unhanded = false
		wakeRest(f)
	}
	after := f.take()
	f.longest = max(f.longest, f.fx.Steps)
	if f.held != nil {
		f.held.end()
	}
	f.mu.Unlock()
	after.do()
}

// setAlarm sees to it that the Wheel is turned in time.
func setAlarm(f *feed) {
	if at := f.fx.Wheel.Next(); !at.IsZero() && !f.stopped {
		f.alarm.Set(at, f.turn)
	}
}

// aftermath is what follows of a hold of the lock, to be done once it is released.
type aftermath struct {
	f      *feed
	out    []stream.Outgoing
	queued []*schedule.Connection
	ends   []int
	closes []client.Closing
	traced []channel.Traced
}

// take takes out what is to be done.
func (f *feed) take() aftermath {
	for i, fe := range f.fx.Fences {
		for _, g := range f.generations() {
			if fe.In(g.channels) {
				f.out = append(f.out, g.stream.Control(g.ctx, realtime.KindFence, fe.Channel(), fe.ID, fe.Failed))
			}
		}
		f.fx.Fences[i] = nil
	}
	f.fx.Fences = f.fx.Fences[:0]
	a := aftermath{f, f.out, f.fx.Queued, f.fx.Ends, f.fx.Closes, f.fx.Traced}
	f.out, f.fx.Queued, f.fx.Ends, f.fx.Closes, f.fx.Traced = nil, nil, nil, nil, nil
	return a
}

func (a *aftermath) do() {
	for i := range a.out {
		a.f.sender.Send(&a.out[i])
	}
	for _, c := range a.closes {
		conn, err := c.Client.Conn.(*Connection), c.Err
		if err == nil {
			err = conn.tooSlow()
		}
		conn.Close(err)
	}
	a.handOver()
	if len(a.traced) > 0 {
		a.reportLater()
		return
	}
	a.recycle()
}

// handOver has the connections flushed, those of each fan-out apart. The last comes first: it is the one that would have waited
// longest.
func (a *aftermath) handOver() {
	rest := a.queued
	for i := len(a.ends) - 1; i >= 0; i-- {
		a.f.hub.schedule.Flush(&a.f.handed, rest[a.ends[i]:])
		rest = rest[:a.ends[i]]
	}
	a.f.hub.schedule.Flush(&a.f.handed, rest)
}

// recycle keeps the slices of a hold for the next one.
func (a *aftermath) recycle() {
	if cap(a.queued) < 64 {
		return
	}
	clear(a.queued)
	a.f.mu.Lock()
	if a.f.fx.Queued == nil {
		a.f.fx.Queued, a.f.fx.Ends = a.queued[:0], a.ends[:0]
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
