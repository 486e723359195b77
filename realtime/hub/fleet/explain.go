package fleet

import (
	"encoding/json"
	"strconv"

	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub/explain"
)

// judgedAtOnce is how many subscriptions are judged in one hold of the lock. What is said of so many is no more than census.MostBytes.
const judgedAtOnce = 50

// explained answers who would be given an event here, a part at a time.
func explained[W comparable](f *Fleet[W], q *census.Query, reply func(*census.Answer)) {
	if q.Event == nil {
		return
	}
	event, err := q.Event.Publication(q.Tenant)
	if err != nil {
		return // who asks has checked it
	}
	w := &explain.Work{Event: &event, User: q.User, Most: min(max(q.Limit, 0), mostRows)}
	f.owner.Explain(w)
	part, named := 0, 0
	var some func()
	some = func() {
		lines, over := w.Next(judgedAtOnce)
		answer := &census.Answer{Part: part, Last: over, More: over && w.More(), Rows: make(map[string]json.RawMessage, len(lines))}
		for i := range lines {
			answer.Rows[strconv.Itoa(named)] = encodeLine(&lines[i])
			named++
		}
		part++
		if !over {
			f.owner.After(0, some)
		}
		reply(answer)
	}
	some()
}

func encodeLine(l *explain.Line) json.RawMessage {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // it is made of strings
	}
	return text
}
