package census

import (
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// Query asks each instance once for what it has of something, and not for what changes of it. Who asks need be no instance: it
// reads the answers from the channel AnswersTo.
type Query struct {
	ID     string `json:"id"`
	Again  int    `json:"again,omitempty"` // how often it was published before
	Tenant string `json:"tenant"`
	About  About  `json:"about"`
	Of     string `json:"of,omitempty"` // the channel, or the namespace
	// Prefix selects keys, After those that follow one, and Limit how many, in their order. Of presence, Limit is how many members are named.
	Prefix string `json:"prefix,omitempty"`
	After  string `json:"after,omitempty"`
	Limit  int    `json:"limit"`
	// Event is what AboutExplain asks about, and User whose connections; empty: whoever reads its channel.
	Event *Event `json:"event,omitempty"`
	User  string `json:"user,omitempty"`
}

// Event is an event that has not been published.
type Event struct {
	Channel     string            `json:"channel"`
	Key         string            `json:"key,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Data        json.RawMessage   `json:"data,omitempty"`
	Delete      bool              `json:"delete,omitempty"`
	Transient   bool              `json:"transient,omitempty"`
	EventType   string            `json:"eventType,omitempty"`
	Source      string            `json:"source,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
}

// EventOf is a Publication as a Query carries it.
func EventOf(p *realtime.Publication) *Event {
	return &Event{
		Channel: p.Channel.Name(), Key: p.Key, Tags: p.Tags, Data: p.Data, Delete: p.Op == realtime.OpDelete, Transient: p.Transient,
		EventType: p.EventType, Source: p.Source, ContentType: p.ContentType,
	}
}

// Publication is the reverse of EventOf.
func (e *Event) Publication(tenant string) (p realtime.Publication, err error) {
	p = realtime.Publication{Key: e.Key, Tags: e.Tags, Data: e.Data, Transient: e.Transient, EventType: e.EventType, Source: e.Source, ContentType: e.ContentType}
	if e.Delete {
		p.Op = realtime.OpDelete
	}
	if p.Channel, err = realtime.NewChannel(tenant, e.Channel); err != nil {
		return p, err
	}
	return p, p.Check()
}

// About is what a Query asks for.
type About string

// What a Query asks for. Package fleet answers it.
const (
	AboutPresence About = "presence" // who is present on a channel
	AboutDemand   About = "demand"   // which channels of a namespace are wanted, as package demand has it
	AboutChannels About = "channels" // which channels of a tenant are read
	AboutExplain  About = "explain"  // who would be given an event, as package explain has it
)

// Answer is a part of what an instance answers a Query.
type Answer struct {
	To    string                     `json:"to"` // the Query's ID
	Part  int                        `json:"part,omitempty"`
	Last  bool                       `json:"last,omitempty"`
	More  bool                       `json:"more,omitempty"` // of the last: there are more keys than were asked for
	Rows  map[string]json.RawMessage `json:"rows,omitempty"`
	Total json.RawMessage            `json:"total,omitempty"`
}

// MostBytes is about how large the rows of an Answer may be.
const MostBytes = mostBytes

// AnswersTo is the channel of the answers to somebody, about a tenant.
func AnswersTo(tenant, asker string) (realtime.Channel, error) {
	return realtime.NewReadable(tenant, realtime.ReservedAnswers+":"+asker)
}

// Message is the message that asks. n numbers what the asker sends, from 1.
func (q *Query) Message(asker string, n uint64) *realtime.Message {
	return message(realtime.Channel{}, asker, &body{Epoch: 1, N: n, Query: q})
}

// DecodeAnswer reads a message of the channel AnswersTo. An error says that it is no Answer.
func DecodeAnswer(m *realtime.Message) (*Answer, error) {
	b := new(body)
	if err := json.Unmarshal(m.Data, b); err != nil || b.Answer == nil || b.Answer.Part < 0 {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: is no answer of a census")
	}
	return b.Answer, nil
}

// isAnswer reports whether a message is an Answer, which is not for a Census.
func isAnswer(m *realtime.Message) bool {
	kind, _ := m.Channel.Reserved()
	return kind == realtime.ReservedAnswers
}

// How queries are answered.
const (
	queriesFor     = 5 * time.Second // after that nobody waits any more
	queriesASecond = 20              // more are not answered: who asks is told that they were not
)

// queries are those that were asked lately.
type queries struct {
	seen   map[query]struct{} // since a moment, and in the time before
	before map[query]struct{}
	turned time.Time
	second time.Time // that is being counted
	n      int
}

type query struct {
	asker, id string
	again     int
}

// admits reports whether a query is to be answered.
func (qs *queries) admits(m *realtime.Message, q *Query, now time.Time) bool {
	if now.Sub(m.Time) > queriesFor {
		return false // a replay has brought it
	}
	if qs.seen == nil || now.Sub(qs.turned) > 2*queriesFor {
		qs.seen, qs.before, qs.turned = map[query]struct{}{}, qs.seen, now
	}
	is := query{m.Origin, q.ID, q.Again}
	_, seen := qs.seen[is]
	_, before := qs.before[is]
	if seen || before {
		return false
	}
	if now.Sub(qs.second) >= time.Second {
		qs.second, qs.n = now, 0
	}
	if qs.n++; qs.n > queriesASecond {
		return false
	}
	qs.seen[is] = struct{}{}
	return true
}

// answer answers one.
func answer(c *Census, m *realtime.Message, q *Query, now time.Time) {
	to, err := AnswersTo(q.Tenant, m.Origin)
	if err != nil || !c.queries.admits(m, q, now) {
		return
	}
	c.owner.Query(q, func(a *Answer) {
		a.To = q.ID
		c.publish(to, &body{Answer: a}, func() {}) // who asked asks again
	})
}

// message makes a message of what is said.
func message(ch realtime.Channel, origin string, b *body) *realtime.Message {
	data, err := json.Marshal(b)
	if err != nil {
		panic(err) // values are valid JSON, as Owner says
	}
	return &realtime.Message{Kind: realtime.KindCensus, Origin: origin, Publication: realtime.Publication{Channel: ch, ID: uid.New(), Data: data}}
}
