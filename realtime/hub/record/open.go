package record

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// leave leaves a message open.
func (v *verdicts) leave(m *realtime.Message) {
	if v.waiting >= mostOpen || len(m.Data) > mostOpenData {
		v.blur(m.Key, m.Time.UnixMilli())
		return
	}
	o := v.opened(m.Key)
	o.messages, o.newest = append(o.messages, *m), max(o.newest, m.Time.UnixMilli())
	v.waiting++
}

// blur says that something of a key cannot be decided that was published at a moment, in ms, and is not kept.
func (v *verdicts) blur(key string, ms int64) {
	o := v.opened(key)
	v.waiting -= len(o.messages)
	o.messages, o.vague, o.newest = nil, true, max(o.newest, ms)
}

func (v *verdicts) opened(key string) *undecided {
	if len(v.open) >= mostOpenKeys && v.open[key] == nil {
		v.doubted, v.open, v.waiting = max(v.doubted, v.newest()), nil, 0
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
	v.waiting -= len(o.messages)
	if o.newest < ms {
		delete(v.open, key)
		return
	}
	o.messages = slices.DeleteFunc(slices.Clone(o.messages), func(m realtime.Message) bool { return m.Time.UnixMilli() < ms })
	v.waiting += len(o.messages)
}

// settleAll is settle for all keys.
func (v *verdicts) settleAll(ms int64) {
	for key := range v.open {
		v.settle(key, ms)
	}
}

// Undecided says that what a Publication with a Condition has come to cannot be told, nor what those come to that came shortly before or after it.
func Undecided(t *Table, m *realtime.Message) { t.verdicts.blur(m.Key, m.Time.UnixMilli()) }

// Decided returns what was decided of a Publication with a Condition.
func Decided(t *Table, id string) realtime.Outcome { return t.verdicts.outcomes[id].Outcome }

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

// Ambiguous returns which of messages with Conditions, in order of their publish times, cannot be decided: others of their key were published by
// somebody else so shortly before or after that the log may have them in another order. From a moment on, in ms, the order is certain.
func Ambiguous(messages []realtime.Message, within, certain int64) map[string]bool {
	var all map[string]bool
	groups := map[string][]*realtime.Message{} // of each key, those whose order is not certain
	end := func(group []*realtime.Message) {
		if !slices.ContainsFunc(group, func(m *realtime.Message) bool { return m.Series != group[0].Series }) {
			return
		}
		for _, m := range group {
			if all == nil {
				all = map[string]bool{}
			}
			all[m.ID] = m.If != nil
		}
	}
	for i := range messages {
		m := &messages[i]
		group := groups[m.Key]
		if n := len(group); n > 0 && (m.Time.Sub(group[n-1].Time).Milliseconds() > within || group[n-1].Time.UnixMilli() >= certain) {
			end(group)
			group = nil
		}
		groups[m.Key] = append(group, m)
	}
	for _, group := range groups {
		end(group)
	}
	return all
}
