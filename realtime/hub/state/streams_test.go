package state_test

import (
	"log/slog"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/recent"
)

// gen is one stream.
type gen struct {
	w       *world
	set     *channel.Set
	seen    *recent.IDs
	queue   []queued
	recent  []realtime.Message
	replay  []queued // withheld
	opened  time.Time
	stalled map[realtime.Channel]time.Time
	heard   int64
	ended   bool
}

// queued is a message that a stream is to bring, at most mostLate after a moment.
type queued struct {
	realtime.Message
	at time.Time
}

const mostLate = 30 * time.Second

// follow opens a stream, whose replay may come late.
func (w *world) follow(late bool) {
	if late {
		time.Sleep(time.Millisecond) // one millisecond is either replayed or live
	}
	g := &gen{w: w, seen: recent.NewIDs(memory, time.Now()), stalled: map[realtime.Channel]time.Time{}}
	g.set = channel.New(channel.Options{
		Effects: &w.fx, Metrics: realtime.NoMetrics{}, Log: slog.New(slog.DiscardHandler), Skew: skew, Margin: margin, Memory: memory,
		Document: func(string) *realtime.Tenant { return w.doc }, Home: func(*realtime.Tenant) bool { return true },
		State: w.states.Of, Doubt: w.states.Doubt, Begun: w.states.Begun, Unkept: w.states.Unkept,
		After: func(realtime.Channel, time.Duration, func()) *time.Timer { return time.NewTimer(time.Hour) },
	})
	from := time.Now().Add(-horizon)
	first, _ := slices.BinarySearchFunc(w.log, from, func(m realtime.Message, at time.Time) int { return m.Time.Compare(at) })
	complete := from.Add(time.Minute)
	if first == 0 {
		complete = w.began.Add(-time.Millisecond)
	}
	for _, m := range append(w.log[first:len(w.log):len(w.log)], realtime.Message{Kind: realtime.KindBeacon}) {
		g.replay = append(g.replay, queued{m, time.Now()})
	}
	g.opened = time.Now()
	if late {
		time.Sleep(time.Millisecond)
	}
	w.tell("a stream is opened, complete since %s, late %v", complete.Format("15:04:05.000"), late)
	w.locked(func() {
		vouched := int64(0)
		switch {
		case w.cur == nil:
			w.cur = g
		case w.next != nil:
			failed := w.next
			g.set.Replaces(w.cur.set)
			w.next = g
			for w.cur.set.GiveBack(failed.set) {
			}
		default:
			g.set.Replaces(w.cur.set)
			w.next = g
		}
		if w.cur != g {
			vouched = w.cur.set.Vouched
		}
		g.set.Phase = channel.PhaseReplaying
		channel.Complete(g.set, complete)
		w.states.Begins(complete.UnixMilli(), vouched)
	})
	if !late {
		g.release()
	}
}

// release brings the replay.
func (g *gen) release() {
	g.queue = append(g.replay, g.queue...)
	g.replay = nil
}

// keepUp brings what should have come.
func (g *gen) keepUp() {
	if g.replay != nil && time.Since(g.opened) > time.Minute {
		g.release()
	}
	for i := 0; i < len(g.queue) && !g.ended; {
		if time.Since(g.queue[i].at) < mostLate {
			i++
			continue
		}
		g.bring(i)
		i = 0
	}
}

// hear takes a message, of any channel that is not stalled.
func (g *gen) hear() bool {
	w := g.w
	if len(g.queue) == 0 || g.ended {
		return false
	}
	i := 0
	for i < len(g.queue) && g.stalled[g.queue[i].Channel].After(time.Now()) {
		i++
	}
	if i == len(g.queue) {
		return false
	}
	if w.rand.IntN(10) == 0 { // another channel's first
		c := g.queue[w.rand.IntN(len(g.queue))].Channel
		if !g.stalled[c].After(time.Now()) {
			i = slices.IndexFunc(g.queue, func(m queued) bool { return m.Channel == c })
		}
	}
	g.bring(i)
	return true
}

// bring brings one of those that are queued, the first of its channel.
func (g *gen) bring(i int) {
	w := g.w
	m := g.queue[i].Message
	g.queue = slices.Delete(g.queue, i, i+1)
	g.recent = append(g.recent[max(0, len(g.recent)-30):], m)
	w.locked(func() {
		now := time.Now()
		g.seen.Turn(now)
		g.heard = max(g.heard, m.Time.UnixMilli())
		switch m.Kind {
		case realtime.KindPublication:
			w.tell("stream %d hears %s %s", w.which(g), m.Channel.Name(), m.ID)
			g.set.Open(m.Channel).Take(&m, g.seen.Repeated("acme", m.Channel.Name(), m.ID), now)
		case realtime.KindFence:
			w.tell("stream %d hears a fence of %s", w.which(g), m.Channel.Name())
			g.set.Return(m.ID, m.Channel, m.Time.UnixMilli())
		default:
			g.set.Phase = channel.PhaseCaughtUp
			g.set.SendFences()
		}
	})
	g.work()
}

func (w *world) which(g *gen) int {
	if g == w.cur {
		return 1
	}
	return 2
}

// work sends fences and moves readers.
func (g *gen) work() {
	for more := true; more; {
		g.w.locked(func() {
			g.set.SendFences()
			more = g.set.Work()
			if g == g.w.cur && g.w.next != nil {
				more = g.set.Migrate() || more
			}
		})
	}
}

// breaks interrupts the stream: some of what it has given comes again.
func (g *gen) breaks() {
	c := g.w.chans[g.w.rand.IntN(len(g.w.chans))]
	var again []queued
	for _, m := range g.recent {
		if m.Channel == c {
			again = append(again, queued{m, time.Now()})
		}
	}
	g.queue = append(again, g.queue...)
	g.w.locked(g.set.Break)
	g.work()
}
