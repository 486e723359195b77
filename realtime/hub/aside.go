package hub

import (
	"sort"

	"github.com/tidewire/tidewire/realtime"
)

// What comes of a channel before its record stands is put aside, because a replay
// and what is new come mixed.

// put is a message put aside, or a repetition of one, which counts only for its number.
type put struct {
	realtime.Message
	repeated bool
}

// putAside keeps a message until a fence tells that all before it has come.
// Repetitions are kept too: their numbers count, and the first copy may come after them.
func (ch *channel) putAside(m *realtime.Message, repeated bool) {
	q := ch.quota
	q.turn++
	if len(ch.aside) == 0 {
		ch.asideTurn = q.turn
	}
	ch.aside = append(ch.aside, put{*m, repeated})
	q.took(asideCost(m), m.Time.UnixMilli())
	q.oldest.add(ch)
	if most := 2*ch.rules.Window + 64; len(ch.aside) > most {
		ch.trimAside(most / 2)
	}
	q.fit(asideCost(m))
}

func asideCost(m *realtime.Message) int {
	return cap(m.Data) + len(m.ID) + len(m.Key) + tagsCost(m.Tags) + asideOverhead
}

// tagsCost is what a map of tags takes, about.
func tagsCost(tags map[string]string) int {
	const (
		eight = 336 // a map of up to so many
		text  = 16  // a name and a value, besides their bytes
	)
	n := (len(tags) + 7) / 8 * eight
	for name, value := range tags {
		n += len(name) + len(value) + text
	}
	return n
}

// trimAside gives up the oldest of what was put aside, down to a number and at
// least by half.
func (ch *channel) trimAside(keep int) {
	ch.sortAside()
	ch.giveUpAside(len(ch.aside) - min(keep, len(ch.aside)/2))
}

// giveUpAside forgets the first n, in order.
func (ch *channel) giveUpAside(n int) {
	for i := range n {
		p := &ch.aside[i]
		ch.quota.freed(asideCost(&p.Message), p.Time.UnixMilli())
		if p.Time.UnixMilli() >= ch.rec.evicted.Time {
			ch.rec.evicted = p.Position()
		}
		ch.series.hear(&p.Message)
	}
	ch.g.feed.hub.count.Add(realtime.CountEvictions, ch.name.Tenant(), "aside", n)
	ch.aside = append([]put(nil), ch.aside[n:]...)
	ch.asideTurn = ch.quota.turn // what is left is among the newest
}

// sortAside puts what came from a replay and live, mixed, in order of publish
// time, each message once. Between equals the order in which they came last decides: a
// redelivery brings all later ones again, and a replay what came live before it.
func (ch *channel) sortAside() {
	type message struct {
		id, series string
		number     uint64
		at         int64
	}
	last := make(map[message]int, len(ch.aside)) // the place that a message has now
	kept := make([]put, len(ch.aside))
	from := len(kept)
	for i := len(ch.aside) - 1; i >= 0; i-- {
		p := &ch.aside[i]
		m := message{p.ID, p.Series, p.Number, p.Time.UnixMilli()}
		if at, again := last[m]; again {
			kept[at].repeated = kept[at].repeated && p.repeated
			ch.quota.freed(asideCost(&p.Message), p.Time.UnixMilli())
			continue
		}
		from--
		kept[from], last[m] = *p, from
	}
	ch.aside = kept[from:]
	sort.SliceStable(ch.aside, func(i, j int) bool { return ch.aside[i].Time.UnixMilli() < ch.aside[j].Time.UnixMilli() })
}

// firstCopies marks as repeated every copy but the earliest of each event. The
// messages are in order. Copies of an event of which none is new repeat one that was given up.
func (ch *channel) firstCopies() {
	anew := make(map[string]bool, len(ch.aside)) // IDs of which a copy was new when it came
	for i := range ch.aside {
		if !ch.aside[i].repeated {
			anew[ch.aside[i].ID] = true
		}
	}
	for i := range ch.aside {
		p := &ch.aside[i]
		p.repeated = !anew[p.ID]
		anew[p.ID] = false
	}
}

// expireAside gives up what was put aside and is older than a moment, in ms.
func (ch *channel) expireAside(oldest int64) {
	for i := range ch.aside {
		if ch.aside[i].Time.UnixMilli() < oldest {
			ch.sortAside()
			n := sort.Search(len(ch.aside), func(i int) bool { return ch.aside[i].Time.UnixMilli() >= oldest })
			ch.giveUpAside(n)
			return
		}
	}
}

// dropAside lets go of what has become the record.
func (ch *channel) dropAside() {
	for i := range ch.aside {
		m := &ch.aside[i].Message
		ch.quota.freed(asideCost(m), m.Time.UnixMilli())
	}
	ch.aside = nil
}
