package hub_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// decidedTruth folds the log from its beginning, as it is stored.
type decidedTruth struct {
	*truth
	outcomes map[string]bool
	told     []realtime.Message
}

// story is what was published of the key of an event.
func (d *decidedTruth) story(id string) (text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := slices.IndexFunc(d.told, func(m realtime.Message) bool { return m.ID == id })
	if at < 0 {
		return ""
	}
	for i, m := range d.told {
		if about := d.told[at]; m.Channel == about.Channel && (m.Key == about.Key || m.Key == "") && i > at-300 && i < at+60 {
			text += fmt.Sprintf("%s %d %q %s if %v ttl %v series %s/%d: %v\n", m.Key, m.Time.UnixMilli(), m.Op, m.ID, m.If, m.TTL, m.Series, m.Number, d.outcomes[m.ID])
		}
	}
	return text
}

func newDecidedTruth(t *testing.T, inner realtime.Broker, tenant *realtime.Tenant) *decidedTruth {
	return &decidedTruth{newTruth(t, inner, realtime.OwnTopic(tenant), func(c realtime.Channel) *realtime.State { return tenant.Rules(c.Namespace()).State }), map[string]bool{}, nil}
}

func (d *decidedTruth) outcome(id string) (won, is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	won, is = d.outcomes[id]
	return won, is
}

func (d *decidedTruth) state(c realtime.Channel) map[string]string {
	all := map[string]string{}
	for key, m := range d.truth.state(c) {
		all[key] = m.ID
	}
	return all
}

func (d *decidedTruth) read() {
	values := map[string]realtime.Message{} // of channel and key
	seen := map[string]bool{}
	for {
		batch, err := d.stream.Receive(context.Background())
		if err != nil {
			return
		}
		for i := range batch {
			m := &batch[i]
			d.mu.Lock()
			d.told = append(d.told, *m)
			d.mu.Unlock()
			if m.Kind != realtime.KindPublication || seen[m.Channel.Name()+" "+m.ID] {
				continue
			}
			seen[m.Channel.Name()+" "+m.ID] = true
			d.decide(m, values)
		}
	}
}

func (d *decidedTruth) decide(m *realtime.Message, values map[string]realtime.Message) {
	name := m.Channel.Name() + " " + m.Key
	have, has := values[name]
	if has && have.TTL > 0 && !have.Expires().After(m.Time) {
		has = false
	}
	if c := m.If; c != nil {
		won := false
		switch c.Is {
		case realtime.ConditionAbsent:
			won = !has
		case realtime.ConditionPresent:
			won = has
		case realtime.ConditionPosition:
			won = has && c.Position.ID == have.ID
		}
		d.mu.Lock()
		d.outcomes[m.ID] = won
		d.mu.Unlock()
		if !won {
			return
		}
	}
	d.add(m)
	switch m.Op {
	case realtime.OpClear:
		maps.DeleteFunc(values, func(n string, _ realtime.Message) bool { return n[:len(m.Channel.Name())+1] == m.Channel.Name()+" " })
	case realtime.OpDelete:
		delete(values, name)
	case realtime.OpSet:
		kept := *m
		if rules := d.rules(m.Channel).WithDefaults(); rules.TTL > 0 && (kept.TTL == 0 || kept.TTL > time.Duration(rules.TTL)) {
			kept.TTL = time.Duration(rules.TTL)
		}
		values[name] = kept
	}
}
