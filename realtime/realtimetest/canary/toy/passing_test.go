package toy_test

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// trackedKey is a key for which a client asks.
type trackedKey struct{ channel, key, filter string }

// logOf is what a state is made of.
func (s *server) logOf(channel string) []*realtime.Publication {
	if strings.HasPrefix(channel, "passing:") {
		return s.passed
	}
	return s.log
}

// pass gives what is transient to those who read the state of its channel.
func (s *server) pass(p *realtime.Publication) {
	s.passed = append(s.passed, p)
	for c := range s.conns {
		sub := c.subs[p.Channel.Name()]
		switch {
		case c.user == stranger || sub == nil || s.flaw == "transient silence":
		case sub.state && s.flaw == "a transient event without the gate", !sub.state && s.flaw == "a transient event without state":
			c.say(c.message([]canary.Rights{c.rights, s.policy}, p))
		case sub.state:
			c.sync()
		}
	}
}

// subscribeDemand lets a client see what others ask for.
func (c *conn) subscribeDemand(frame map[string]any) {
	if namespace, _ := strings.CutPrefix(frame["channel"].(string), "$demand:"); c.server.flaw != "demand that nobody asks a grant for" && (!c.rights.Demand || namespace != "fleet") {
		c.say(map[string]any{"type": "error", "id": frame["id"], "channel": frame["channel"], "code": "forbidden"})
		return
	}
	c.demand = true
	c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": frame["channel"], "state": map[string]any{}})
	c.server.tellDemand()
}

// track takes a subscription to a key.
func (c *conn) track(frame map[string]any) {
	t := trackedKey{channel: frame["channel"].(string), key: frame["keys"].([]any)[0].(string)}
	t.filter, _ = frame["filter"].(string)
	c.tracked = append(c.tracked, t)
	c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": t.channel, "sub": frame["sub"], "keys": frame["keys"], "filter": t.filter})
	c.server.tellDemand()
}

// refreshed ends what a new token does not grant.
func (c *conn) refreshed() {
	c.tracked = slices.DeleteFunc(c.tracked, func(t trackedKey) bool { return !c.grants(t.channel) })
	if c.server.flaw != "demand that outlives its grant" {
		c.demand = c.demand && c.rights.Demand
	}
}

// tellDemand tells who may see it what clients ask for.
func (s *server) tellDemand() {
	for watcher := range s.conns {
		if !watcher.demand {
			continue
		}
		for c := range s.conns {
			for _, t := range c.tracked {
				if strings.HasPrefix(t.channel, "passing:") && s.flaw != "demand of another namespace" {
					continue
				}
				data := map[string]any{"keys": map[string]int{t.key: 1}}
				switch s.flaw {
				case "demand that lacks keys":
					data = map[string]any{"watchers": 1}
				case "demand with its filter":
					data["filter"] = t.filter
				}
				text, err := json.Marshal(data)
				if err != nil {
					panic(err)
				}
				watcher.say(map[string]any{"type": "message", "channel": "$demand:fleet", "key": t.channel, "data": json.RawMessage(text)})
			}
		}
	}
}
