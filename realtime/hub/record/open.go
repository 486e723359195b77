package record

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// leave leaves a message open. Another stream may bring it again, behind what has come after it.
func (v *verdicts) leave(m *realtime.Message) {
	ms, o := m.Time.UnixMilli(), v.opened(m.Key)
	switch {
	case slices.Contains(o.noted, noted{m.ID, ms}):
		return
	case v.waiting >= mostOpen || len(m.Data) > mostOpenData || ms < o.newest || slices.ContainsFunc(o.noted, func(n noted) bool { return n.id == m.ID }):
		v.blur(m.Key, ms)
	default:
		o.messages, o.newest = append(o.messages, *m), ms
		v.waiting++
	}
	v.note(m.Key, m)
}

// blur says that something of a key cannot be decided that was published at a moment, in ms, and is not kept.
func (v *verdicts) blur(key string, ms int64) {
	o := v.opened(key)
	v.waiting -= len(o.messages)
	o.messages, o.vague, o.newest = nil, true, max(o.newest, ms)
}

// note has a key know of a message that could not be decided: it may come again, behind what has been published after it in its millisecond.
func (v *verdicts) note(key string, m *realtime.Message) {
	o, is := v.opened(key), noted{m.ID, m.Time.UnixMilli()}
	switch {
	case slices.Contains(o.noted, is):
	case v.notes >= mostNotes:
		v.doubted = max(v.doubted, is.ms+1)
	default:
		o.noted = append(o.noted, is)
		v.notes++
	}
}

// notedAt returns the IDs of what is noted of a key and was published at a moment, in ms.
func (v *verdicts) notedAt(key string, ms int64) (ids []string) {
	if o := v.open[key]; o != nil {
		for _, n := range o.noted {
			if n.ms == ms {
				ids = append(ids, n.id)
			}
		}
	}
	return ids
}

func (v *verdicts) opened(key string) *undecided {
	if len(v.open) >= mostOpenKeys && v.open[key] == nil {
		v.doubted, v.open, v.waiting, v.notes = max(v.doubted, v.newest()+1), nil, 0, 0
	}
	if v.open == nil {
		v.open = map[string]*undecided{}
	}
	if v.open[key] == nil {
		v.open[key] = &undecided{}
	}
	return v.open[key]
}

// newest is the publish time of the newest that is open, in ms; 0 if nothing is.
func (v *verdicts) newest() (ms int64) {
	for _, o := range v.open {
		ms = max(ms, o.newest)
	}
	return ms
}

// settle forgets what was left open of a key and was published before a moment, in ms.
func (v *verdicts) settle(key string, ms int64) {
	o := v.open[key]
	if o == nil {
		return
	}
	v.waiting, v.notes = v.waiting-len(o.messages), v.notes-len(o.noted)
	if o.newest < ms {
		delete(v.open, key)
		return
	}
	o.messages = slices.DeleteFunc(slices.Clone(o.messages), func(m realtime.Message) bool { return m.Time.UnixMilli() < ms })
	o.noted = slices.DeleteFunc(o.noted, func(n noted) bool { return n.ms < ms })
	v.waiting, v.notes = v.waiting+len(o.messages), v.notes+len(o.noted)
}

// settleAll is settle for all keys, by what was published in the millisecond before a moment. It returns the IDs of what was noted in that.
func (v *verdicts) settleAll(ms int64) (ids []string) {
	for key := range v.open {
		ids = append(ids, v.notedAt(key, ms-1)...)
		v.settle(key, ms)
	}
	return ids
}

// Undecided says that what a key is cannot be told behind a message of it, or behind a clear, published when others were that may come before or after.
func Undecided(t *Table, key string, m *realtime.Message) {
	t.verdicts.blur(key, m.Time.UnixMilli())
	if m.Key == key {
		t.verdicts.note(key, m)
	}
}

// Decided returns what was decided of a Publication with a Condition.
func Decided(t *Table, id string) realtime.Outcome { return t.verdicts.outcomes[id].Outcome }

func decided(t *Table, id string) bool {
	_, is := t.verdicts.outcomes[id]
	return is
}

// DoubtTable says that something may have been missed that was published up to a moment, in ms.
func DoubtTable(t *Table, ms int64) { t.verdicts.doubted = max(t.verdicts.doubted, ms) }

// Unsure returns up to which moment a key may be another than it seems to be, in ms; 0 if none may.
func Unsure(t *Table) int64 { return t.verdicts.newest() }

// Settle is told what a checkpoint has that holds everything of before a moment, in ms: it has decided what was left open of keys until then. It calls
// removed for each key that was removed by that.
func Settle(t *Table, before int64, has func(key string) bool, now time.Time, removed func(Change)) {
	for key, o := range t.verdicts.open {
		if o.newest >= before {
			continue
		}
		if have := t.keys[key]; have != nil && have.birth != 0 && have.At.Time <= o.newest && !has(key) {
			removed(end(t, have, now.UnixMilli()))
		}
		DoubtTable(t, o.newest+1) // who has not heard as much cannot say what there was
		t.verdicts.settle(key, before)
	}
}

// StateOf returns what has become of a key, for a Publication with a Condition. It is false if that is not known.
func StateOf(t *Table, key string) (s realtime.KeyState, known bool) {
	if t.verdicts.open[key] != nil {
		return s, false
	}
	return stateOf(t, t.keys[key]), true
}

// Ambiguous returns, for each of some messages in order of their publish times, of which keys nobody can tell what they are behind it: with something
// of the key that has a Condition, others of the key, or clears, were published by somebody else so shortly before or after that the log may have
// them in another order. From a moment on, in ms, the order is certain.
func Ambiguous(messages []realtime.Message, within, certain int64) map[int][]string {
	var all map[int][]string
	keys, clears := map[string][]int{}, []int(nil) // indexes
	for i := range messages {
		switch m := &messages[i]; {
		case m.Op == realtime.OpClear:
			clears = append(clears, i)
		case m.If != nil && keys[m.Key] == nil:
			keys[m.Key] = []int{}
		}
	}
	for i := range messages {
		if of, is := keys[messages[i].Key]; is && messages[i].Key != "" {
			keys[messages[i].Key] = append(of, i)
		}
	}
	for key, of := range keys {
		of = append(of, clears...)
		slices.Sort(of)
		for len(of) > 0 {
			n := together(messages, of, within, certain)
			if group := of[:n]; contested(messages, group) {
				if all == nil {
					all = map[int][]string{}
				}
				for _, i := range group {
					all[i] = append(all[i], key)
				}
			}
			of = of[n:]
		}
	}
	return all
}

// together is how many of the first messages of some, given by index, may be in another order.
func together(messages []realtime.Message, of []int, within, certain int64) int {
	for n := 1; n < len(of); n++ {
		was := messages[of[n-1]].Time
		if messages[of[n]].Time.Sub(was).Milliseconds() > within || was.UnixMilli() >= certain {
			return n
		}
	}
	return len(of)
}

// contested reports whether messages are of several publishers, and one of them has a Condition.
func contested(messages []realtime.Message, of []int) bool {
	return slices.ContainsFunc(of, func(i int) bool { return messages[i].Series != messages[of[0]].Series }) &&
		slices.ContainsFunc(of, func(i int) bool { return messages[i].If != nil })
}
