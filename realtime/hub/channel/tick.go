package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// tick gathers the deliveries of a busy channel, so that each reader's are one write.
type tick struct {
	m     *Machine
	held  []delivery
	timer *time.Timer
}

// gather reports whether an entry is held back. The first after a pause is not: it
// goes at once and begins the tick. The record has the entry already.
func gather(m *Machine, e delivery) bool {
	if t := m.tick; t != nil {
		t.held = append(t.held, e)
		if len(t.held) >= realtime.BurstMessages {
			t.release()
		}
		return true
	}
	t := &tick{m: m}
	m.tick = t
	t.timer = m.set.o.After(m.name, time.Duration(m.rules.Tick), t.passed)
	return false
}

// passed is called when the tick has passed.
func (t *tick) passed() {
	m := t.m
	if m.tick != t {
		return
	}
	m.tick = nil // in case this panics: then nothing is held back any more
	if len(t.held) == 0 {
		return
	}
	t.release()
	m.tick = t
	t.timer.Reset(time.Duration(m.rules.Tick))
}

// release delivers what is held.
func (t *tick) release() {
	now := time.Now()
	held := t.held
	t.held = nil
	for i := range held {
		t.m.deliver(&held[i], now)
	}
}

// releaseTick delivers what is held before the readers change: who joins now
// has it from the record.
func (m *Machine) releaseTick() {
	if m.tick != nil {
		m.tick.release()
	}
}
