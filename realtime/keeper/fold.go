package keeper

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// clockSkew is how much earlier a Publication may say it was stored than one before it in its channel, which another publisher has
// published at the same time.
const clockSkew = 2 * time.Second

// fold is what becomes of the keys of channels, in the order in which messages come. It belongs to one goroutine.
type fold struct {
	tenants  map[string]*realtime.Tenant
	recent   *recent
	channels map[realtime.Channel]*folded
	stored   map[realtime.StateRef]realtime.StateChange // of keys with Conditions, what is stored; zero if nothing is
	bytes    int
	messages int // received since the last reset
	left     int // out, because they cannot be stored
}

// folded is the newest of each key of a channel since its last clear.
type folded struct {
	rules *realtime.State
	clear *realtime.StateChange
	keys  map[string]*realtime.StateChange
}

func newFold(tenants map[string]*realtime.Tenant) *fold {
	return &fold{tenants: tenants, recent: newRecent(&realtime.StateMark{}), channels: map[realtime.Channel]*folded{}, stored: map[realtime.StateRef]realtime.StateChange{}}
}

// changeCost is what a change takes besides its texts and bytes.
const changeCost = 400

func cost(c *realtime.StateChange) int {
	n := changeCost + len(c.Data) + len(c.ID) + len(c.Key)
	for name, value := range c.Tags {
		n += len(name) + len(value)
	}
	return n
}

// take folds a message, if it changes state. What hubs drop it drops as well.
func (f *fold) take(m *realtime.Message, now time.Time) {
	f.messages++
	if m.Kind != realtime.KindPublication || m.Op == realtime.OpSet && m.Key == "" || m.Transient || m.Check(now) != nil {
		return
	}
	rules := f.rules(m.Channel)
	if rules == nil {
		return
	}
	p := m.Publication
	p.If = nil
	if len(p.Data) > 0 {
		data, err := wire.Compact(p.Data)
		if err != nil {
			return
		}
		p.Data = data
	}
	change := &realtime.StateChange{Publication: p, Expires: expires(&p, rules)}
	if !f.recent.add(change) {
		return // it is a repetition
	}
	if m.If != nil && !f.passes(change, m.If) {
		return
	}
	if change.Check() != nil {
		f.left++
		return
	}
	f.put(change, rules)
}

// rules are those of a channel's state; nil if it is not kept.
func (f *fold) rules(c realtime.Channel) *realtime.State {
	if have := f.channels[c]; have != nil {
		return have.rules
	}
	doc := f.tenants[c.Tenant()]
	if doc == nil {
		return nil
	}
	return durable(doc.Rules(c.Namespace()))
}

// expires is when a value is over: at the end of its own time, and of that which the rules allow.
func expires(p *realtime.Publication, rules *realtime.State) time.Time {
	ttl := p.TTL
	if most := time.Duration(rules.TTL); most > 0 && (ttl == 0 || ttl > most) {
		ttl = most
	}
	if ttl == 0 || p.Op != realtime.OpSet {
		return time.Time{}
	}
	return p.Time.Add(ttl)
}

// put lets a change take the place of what it replaces.
func (f *fold) put(change *realtime.StateChange, rules *realtime.State) {
	c := f.channels[change.Channel]
	if c == nil {
		c = &folded{rules: rules, keys: map[string]*realtime.StateChange{}}
		f.channels[change.Channel] = c
	}
	if c.clear != nil && change.Time.Before(c.clear.Time) {
		return
	}
	if change.Op == realtime.OpClear {
		for key, have := range c.keys {
			if !have.Time.After(change.Time) {
				f.bytes -= cost(have)
				delete(c.keys, key)
			}
		}
		c.clear = change
		return
	}
	if have := c.keys[change.Key]; have != nil {
		if change.Time.Before(have.Time) {
			return
		}
		f.bytes -= cost(have)
	}
	f.bytes += cost(change)
	c.keys[change.Key] = change
}

// changes returns all of it, the clear of a channel first.
func (f *fold) changes() []realtime.StateChange {
	var all []realtime.StateChange
	for _, c := range f.channels {
		if c.clear != nil {
			all = append(all, *c.clear)
		}
		for _, change := range c.keys {
			all = append(all, *change)
		}
	}
	return all
}

// reset forgets what was saved.
func (f *fold) reset() {
	clear(f.channels)
	clear(f.stored)
	f.bytes, f.messages, f.left = 0, 0, 0
}
