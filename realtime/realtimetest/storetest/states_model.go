package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/trial"
)

// model: two keepers take turns in saving what a log brings, in parts, again, from before, cut off and too late. At any time each entry is
// what the log says of its key at some moment that is not before the watermark.
func (s *states) model() {
	seed := uint64(trial.Seed(s))                                   //nolint:gosec // it is not negative
	m := &modelled{states: s, rand: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // it makes a test and keeps no secret
	for _, name := range []string{"fleet:eu", "fleet:a/b", "fleet:us"} {
		m.channels = append(m.channels, s.channel("acme", name))
	}
	m.takeOver()
	for range 60 {
		m.publish(m.rand.IntN(5))
		switch m.rand.IntN(8) {
		case 0:
			m.takeOver()
		case 1:
			m.read = max(0, m.read-m.rand.IntN(12)) // it is brought again
			m.saves(false, 0)
		case 2:
			m.saves(true, time.Duration(m.rand.IntN(3000))*time.Microsecond)
		default:
			m.saves(m.rand.IntN(3) > 0, 0)
		}
		m.check()
	}
	m.whole = true
	m.ms++
	m.saves(true, 0)
	m.check()
	if m.low != len(m.log) {
		s.Errorf("after all was saved the watermark is before %d of %d", m.low, len(m.log))
	}
}

// modelled is a log and how far it was saved.
type modelled struct {
	*states
	rand     *rand.Rand
	channels []realtime.Channel
	log      []realtime.Publication
	ms       int

	keeper int  // which of the two
	read   int  // what it has saved of the log, as it knows
	acked  int  // where the next one begins
	high   int  // what anybody may have saved
	low    int  // of the log, by the watermark
	whole  bool // save all of it
}

func (m *modelled) publish(n int) {
	for range n {
		m.ms += m.rand.IntN(2)
		id := fmt.Sprint(len(m.log))
		var c realtime.StateChange
		switch key := string(rune('a' + m.rand.IntN(4))); m.rand.IntN(12) {
		case 0:
			c = m.clear(id, m.ms)
		case 1, 2:
			c = m.del(key, id, m.ms)
		default:
			c = m.set(key, id, m.ms)
		}
		c.Channel = m.channels[m.rand.IntN(len(m.channels))]
		m.log = append(m.log, c.Publication)
	}
}

func (m *modelled) name() string  { return fmt.Sprintf("k%d", m.keeper) }
func (m *modelled) store() States { return []States{m.states.store, m.states.other}[m.keeper] }

// takeOver has the other keeper begin where the last one had come to for certain; what that one saves now is too late.
func (m *modelled) takeOver() {
	late, lateStore := m.name(), m.store()
	m.keeper = 1 - m.keeper
	if _, err := m.store().Claim(m.Context(), m.topic, m.name(), time.Now().Add(-time.Second)); err != nil {
		m.Fatal(err)
	}
	changes := fold(m.log[m.acked:])
	if err := lateStore.Save(m.Context(), m.topic, late, changes, m.marked(m.ms+1)); realtime.CodeOf(err) != realtime.CodeConflict {
		m.Errorf("a save that is late: %v", err)
	}
	m.read = m.acked
}

// saves saves more of the log, perhaps with a mark, perhaps cut off.
func (m *modelled) saves(mark bool, cut time.Duration) {
	to := m.read + m.rand.IntN(len(m.log)-m.read+1)
	if m.whole {
		to = len(m.log)
	}
	for to < len(m.log) && to > 0 && m.log[to].Time.Equal(m.log[to-1].Time) {
		to++
	}
	ctx := m.Context()
	if cut > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cut)
		defer cancel()
	}
	at := m.ms // the next may have the same
	if to < len(m.log) {
		at = int(m.log[to].Time.Sub(m.now) / time.Millisecond)
	}
	var with *realtime.StateMark
	if mark && to >= m.high-m.rand.IntN(4) { // a watermark is never put before what is saved of it
		with = m.marked(at)
	}
	m.high = max(m.high, to)
	for range 1 + m.rand.IntN(2) {
		if err := m.store().Save(ctx, m.topic, m.name(), fold(m.log[m.read:to]), with); err != nil {
			if cut == 0 {
				m.Fatalf("save: %v", err)
			}
			return
		}
	}
	m.read = to
	if with != nil && m.rand.IntN(2) == 0 {
		m.acked = max(m.acked, to)
	}
}

// fold returns the changes of a part of the log.
func fold(log []realtime.Publication) (changes []realtime.StateChange) {
	newest := map[[2]string]int{} // index of the log, by channel and key
	cleared := map[string]int{}
	for i := range log {
		p := &log[i]
		if p.Op == realtime.OpClear {
			cleared[p.Channel.Name()] = i
			for at := range newest {
				if at[0] == p.Channel.Name() {
					delete(newest, at)
				}
			}
			continue
		}
		newest[[2]string{p.Channel.Name(), p.Key}] = i
	}
	var all []int
	for _, i := range newest {
		all = append(all, i)
	}
	for _, i := range cleared {
		all = append(all, i)
	}
	sort.Ints(all)
	for _, i := range all {
		changes = append(changes, realtime.StateChange{Publication: log[i]})
	}
	return changes
}

// check compares what is stored with the log.
func (m *modelled) check() {
	m.Helper()
	for _, c := range m.channels {
		got, err := m.store().Checkpoint(m.Context(), m.topic, c)
		if err != nil {
			m.Fatal(err)
		}
		low := 0
		for low < len(m.log) && m.log[low].Time.Before(got.Watermark) {
			low++
		}
		if low < m.low {
			m.Errorf("the watermark went back to %v", got.Watermark)
		}
		m.low = low
		has := map[string]string{}
		for _, e := range got.Entries {
			has[e.Key] = e.ID
		}
		for key := 'a'; key < 'a'+4; key++ {
			if !m.said(c, string(key), has[string(key)], low) {
				m.Errorf("%v: key %c is %q, which the log does not say from %d to %d", c, key, has[string(key)], low, m.high)
			}
		}
	}
	if m.Failed() {
		for i, p := range m.log {
			m.Logf("%d: %v %s %s %q %s", i, p.Time.Sub(m.now), p.Channel.Name(), p.Op, p.Key, p.ID)
		}
		m.FailNow()
	}
}

// said reports whether a key had a value at some moment of the log from low on that may have been saved.
func (m *modelled) said(c realtime.Channel, key, id string, low int) bool {
	now := ""
	for i := 0; ; i++ {
		if i >= low && now == id {
			return true
		}
		if i >= max(m.high, low) {
			return false
		}
		switch p := &m.log[i]; {
		case p.Channel != c:
		case p.Op == realtime.OpClear, p.Op == realtime.OpDelete && p.Key == key:
			now = ""
		case p.Op == realtime.OpSet && p.Key == key:
			now = p.ID
		}
	}
}
