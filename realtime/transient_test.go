package realtime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// A namespace decides what is transient: every Publication with a key, or none.
func TestClassify(t *testing.T) {
	t.Parallel()
	doc := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{
		"cursors": {State: &realtime.State{Transient: true}}, "fleet": {State: &realtime.State{}}, "kept": {},
	}}
	for name, c := range map[string]struct {
		channel   string
		p         realtime.Publication
		transient bool
		says      string
	}{
		"by the rule":            {channel: "cursors:1", p: realtime.Publication{Key: "k"}, transient: true},
		"as it says":             {channel: "cursors:1", p: realtime.Publication{Key: "k", Transient: true}, transient: true},
		"a deletion":             {channel: "cursors:1", p: realtime.Publication{Key: "k", Op: realtime.OpDelete}, transient: true},
		"an event":               {channel: "cursors:1"},
		"all keys":               {channel: "cursors:1", p: realtime.Publication{Op: realtime.OpClear}},
		"the longest life":       {channel: "cursors:1", p: realtime.Publication{Key: "k", TTL: realtime.TransientTTL}, transient: true},
		"too long a life":        {channel: "cursors:1", p: realtime.Publication{Key: "k", TTL: realtime.TransientTTL + time.Second}, says: "ttl: must be between 1s and 30s if it is transient"},
		"a condition":            {channel: "cursors:1", p: realtime.Publication{Key: "k", If: &realtime.Condition{Is: realtime.ConditionAbsent}}, says: "if: must be left out"},
		"an event that says so":  {channel: "cursors:1", p: realtime.Publication{Transient: true}, says: "transient: needs a key"},
		"nobody's connection":    {channel: "cursors:1", p: realtime.Publication{Key: realtime.ConnectionKey}, says: `key: "$connection" stands for a connection`},
		"a state that is kept":   {channel: "fleet:1", p: realtime.Publication{Key: "k", Transient: true}, says: `transient: the namespace of "fleet:1" has no "state" with "transient": true`},
		"no state":               {channel: "kept:1", p: realtime.Publication{Key: "k", Transient: true}, says: "transient: the namespace"},
		"a kept state, unspoken": {channel: "fleet:1", p: realtime.Publication{Key: "k"}},
	} {
		ch, err := realtime.NewChannel("acme", c.channel)
		if err != nil {
			t.Fatal(err)
		}
		c.p.Channel, c.p.ID = ch, "1"
		err = doc.Classify(&c.p)
		if err == nil {
			err = c.p.CheckFields()
		}
		if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || realtime.CodeOf(err) != realtime.CodeBadRequest) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if err == nil && c.p.Transient != c.transient {
			t.Errorf("%s: transient is %v", name, c.p.Transient)
		}
	}
}

// The rules of a transient state, and what contradicts them.
func TestTransientRules(t *testing.T) {
	t.Parallel()
	kept := true
	for name, c := range map[string]struct {
		state realtime.State
		says  string
	}{
		"nothing said":   {},
		"by connection":  {state: realtime.State{Assign: realtime.AssignConnection}},
		"durable":        {state: realtime.State{Durable: &kept}, says: "namespaces.cursors.state.durable: must be false or left out"},
		"kept for a day": {state: realtime.State{TTL: realtime.Duration(24 * time.Hour)}, says: "namespaces.cursors.state.ttl: must be 1s to 30s if the state is transient, got 24h"},
	} {
		c.state.Transient = true
		doc := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"cursors": {State: &c.state}}}
		if err := doc.Check(); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		full := c.state.WithDefaults()
		if c.says == "" && (*full.Durable || time.Duration(full.TTL) != realtime.TransientTTL) {
			t.Errorf("%s: %+v", name, full)
		}
	}
	for _, c := range []struct {
		rate *realtime.Rate
		want float64
	}{{nil, 20}, {&realtime.Rate{Min: 1}, 20}, {&realtime.Rate{Max: 5}, 5}, {&realtime.Rate{Max: 60}, 60}} {
		doc := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"cursors": {State: &realtime.State{Transient: true}, Rate: c.rate}}}
		rules := doc.Rules("cursors")
		if got := rules.GrantedRate(0); got != c.want {
			t.Errorf("%+v: a reader is given %v, want %v", c.rate, got, c.want)
		}
		if c.rate != nil && c.rate.Max == 20 {
			t.Error("the document was changed")
		}
	}
}
