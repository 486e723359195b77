package record

import (
	"sort"

	"github.com/tidewire/tidewire/realtime"
)

// buffer is what came of a channel before its record is made, as it came, because a replay
// and what is new come mixed.
type buffer struct {
	messages []buffered
	turn     uint64 // of the oldest of them, about
	lost     lost   // the numbers of those that lost
}

// buffered is a message, or a repetition of one, which counts only for its number.
type buffered struct {
	realtime.Message
	repeated bool
	verdict  realtime.Verdict // if it has a Condition
}

func bufferedCost(m *realtime.Message) int {
	return cap(m.Data) + len(m.ID) + len(m.Key) + len(m.EventType) + len(m.Source) + len(m.ContentType) + tagsCost(m.Tags) + bufferedOverhead
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

// sort puts what came from a replay and live, mixed, in order of publish
// time, each message once. Between equals the order in which they came last decides: a
// redelivery brings all later ones again, and a replay what came live before it. dropped is told of each that goes.
func (b *buffer) sort(dropped func(*realtime.Message)) {
	type message struct {
		id, series string
		number     uint64
		at         int64
	}
	last := make(map[message]int, len(b.messages)) // the place that a message has now
	kept := make([]buffered, len(b.messages))
	from := len(kept)
	for i := len(b.messages) - 1; i >= 0; i-- {
		p := &b.messages[i]
		m := message{p.ID, p.Series, p.Number, p.Time.UnixMilli()}
		if at, again := last[m]; again {
			kept[at].repeated = kept[at].repeated && p.repeated
			dropped(&p.Message)
			continue
		}
		from--
		kept[from], last[m] = *p, from
	}
	b.messages = kept[from:]
	sort.SliceStable(b.messages, func(i, j int) bool { return b.messages[i].Time.UnixMilli() < b.messages[j].Time.UnixMilli() })
}

// firstCopies marks as repeated every copy but the earliest of each event. The
// messages are in order. Copies of an event of which none is new repeat one that was given up.
func (b *buffer) firstCopies() {
	anew := make(map[string]bool, len(b.messages)) // IDs of which a copy was new when it came
	for i := range b.messages {
		if !b.messages[i].repeated {
			anew[b.messages[i].ID] = true
		}
	}
	for i := range b.messages {
		p := &b.messages[i]
		p.repeated = !anew[p.ID]
		anew[p.ID] = false
	}
}

// olderThan reports whether anything is, than a moment in ms.
func (b *buffer) olderThan(ms int64) bool {
	for i := range b.messages {
		if b.messages[i].Time.UnixMilli() < ms {
			return true
		}
	}
	return false
}

// before is how many messages are older than a moment, in ms. They are in order.
func (b *buffer) before(ms int64) int {
	return sort.Search(len(b.messages), func(i int) bool { return b.messages[i].Time.UnixMilli() >= ms })
}
