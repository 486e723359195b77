package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// tick gathers the deliveries of a busy channel, so that each reader's are one write.
type tick struct {
	held  []delivery
	timer *time.Timer
}

// gather reports whether an entry is held back. The first after a pause is not: it
// goes at once and begins the tick. The record has the entry already.
func (ch *channel) gather(e delivery) bool {
	if ch.tick != nil {
		ch.tick.held = append(ch.tick.held, e)
		if len(ch.tick.held) >= realtime.BurstMessages {
			ch.flushTick()
		}
		return true
	}
	t := &tick{}
	ch.tick = t
	f := ch.g.feed
	t.timer = time.AfterFunc(time.Duration(ch.rules.Tick), func() {
		f.lock()
		defer f.unlock()
		defer ch.containTick()
		if ch.tick != t || f.stopped {
			return
		}
		if len(t.held) == 0 {
			ch.tick = nil
			return
		}
		ch.flushTick()
		t.timer.Reset(time.Duration(ch.rules.Tick))
	})
	return false
}

// containTick is deferred by what the timer does. f.mu is held.
func (ch *channel) containTick() {
	if fault := recover(); fault != nil {
		ch.tick = nil
		ch.g.condemn(ch.name, fault)
	}
}

// releaseTick delivers what is held before the readers change: who joins now
// has it from the record.
func (ch *channel) releaseTick() {
	if ch.tick != nil {
		ch.flushTick()
	}
}

func (ch *channel) flushTick() {
	now := time.Now()
	held := ch.tick.held
	ch.tick.held = nil
	for i := range held {
		ch.deliver(&held[i], now)
	}
}
