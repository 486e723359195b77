package httpapi

import (
	"cmp"
	"encoding/json"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/explain"
	"github.com/tidewire/tidewire/realtime/intake"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/survey"
	"github.com/tidewire/tidewire/realtime/wire"
)

// mostExplained is how large the data of an event may be that is explained: all instances are told of it.
const mostExplained = 64 << 10

// question is what is to be explained: an event as it would be published, for whom, and for the owner of which token.
type question struct {
	Channel     string            `json:"channel"`
	Key         string            `json:"key"`
	Tags        map[string]string `json:"tags"`
	Data        json.RawMessage   `json:"data"`
	Delete      bool              `json:"delete"`
	Transient   bool              `json:"transient"`
	EventType   string            `json:"eventType"`
	Source      string            `json:"source"`
	ContentType string            `json:"contentType"`

	User  string `json:"user"`
	Token string `json:"token"`
	Limit int    `json:"limit"`
}

// verdict is what would be answered.
type verdict struct {
	Outcome string        `json:"outcome"` // accepted or refused
	Code    realtime.Code `json:"code,omitempty"`
	Limit   string        `json:"limit,omitempty"`
	Detail  string        `json:"detail,omitempty"`
}

func verdictOf(err error) verdict {
	if err == nil {
		return verdict{Outcome: "accepted"}
	}
	p := problem.Of(err)
	return verdict{Outcome: "refused", Code: p.Code, Limit: p.Limit, Detail: p.Detail}
}

// access is what would be answered to the owner of a token.
type access struct {
	User      string   `json:"user,omitempty"`
	Connect   verdict  `json:"connect"`
	Subscribe *verdict `json:"subscribe,omitempty"` // to the event's channel
	Publish   *verdict `json:"publish,omitempty"`
}

// explanation says what would become of an event.
type explanation struct {
	Publish       verdict        `json:"publish"`
	Access        *access        `json:"access,omitempty"`
	Subscriptions []explain.Line `json:"subscriptions"`
	More          bool           `json:"more,omitempty"`
	heard
}

// explainEvent answers what would become of an event. Nothing is published, and nothing counted.
func explainEvent(a *api, c *call) error {
	q := question{Limit: 100}
	if _, err := c.body(&q); err != nil {
		return err
	}
	event, err := q.event(c.tenantID)
	if err != nil {
		return err
	}
	s, err := a.survey()
	if err != nil {
		return err
	}
	var answer explanation
	if q.Token != "" {
		answer.Access = accessOf(a, c, q.Token, event)
	}
	err = c.mayPublish()
	if err == nil {
		err = intake.Check(c.tenant, c.publisher(), event)
	}
	answer.Publish = verdictOf(err)
	told := &survey.Explained{Lines: []explain.Line{}, Heard: survey.Heard{Complete: true}}
	if err == nil {
		if told, err = s.Explain(c.r.Context(), c.tenant, event, q.User, q.Limit); err != nil {
			return withoutTopic(err)
		}
	}
	answer.Subscriptions, answer.More, answer.heard = told.Lines, told.More, newHeard(&told.Heard)
	return c.answer(200, &answer)
}

// event is the event of a question. What is an error of the question's, and nothing that a producer could publish, is refused.
func (q *question) event(tenant string) (*realtime.Publication, error) {
	if q.Limit < 1 || q.Limit > 1000 {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "limit: must be 1 to 1000, got %d", q.Limit)
	}
	if len(q.Data) > mostExplained {
		return nil, realtime.Errorf(realtime.CodeTooLarge, "data: must be at most %d bytes to be explained, got %d", mostExplained, len(q.Data))
	}
	if len(q.User) > realtime.MaxIDBytes {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "user: must be at most %d bytes, got %d", realtime.MaxIDBytes, len(q.User))
	}
	p := &realtime.Publication{
		Key: q.Key, Tags: q.Tags, Transient: q.Transient, EventType: q.EventType, Source: q.Source, ContentType: q.ContentType,
	}
	var err error
	if p.Channel, err = realtime.NewChannel(tenant, q.Channel); err != nil {
		return nil, err
	}
	if q.Delete {
		p.Op = realtime.OpDelete
	}
	if data := []byte(q.Data); data != nil || !q.Delete {
		p.Data, err = wire.Compact([]byte(cmp.Or(string(data), "null")))
	}
	return p, err
}

// accessOf answers what the owner of a token would be told.
func accessOf(a *api, c *call, token string, event *realtime.Publication) *access {
	p, err := a.o.Verifier.Verify(c.r.Context(), token)
	if err == nil && p.Tenant != c.tenantID {
		err = realtime.Errorf(realtime.CodeForbidden, "the token is of tenant %q", p.Tenant)
	}
	if err == nil {
		err = c.mayPublish()
	}
	b := &access{Connect: verdictOf(err)}
	if err != nil {
		return b
	}
	b.User = p.User
	subscribe, publish := verdictOf(nil), verdictOf(mayPublishAs(a, c, p, event))
	if !p.May(realtime.ActionSubscribe, event.Channel) {
		subscribe = verdictOf(realtime.Errorf(realtime.CodeForbidden, "channel: no grant to subscribe to %q", event.Channel.Name()))
	}
	b.Subscribe, b.Publish = &subscribe, &publish
	return b
}

func mayPublishAs(a *api, c *call, p *realtime.Principal, event *realtime.Publication) error {
	copied := *event
	if err := intake.Check(c.tenant, p, &copied); err != nil || a.o.Limiter == nil {
		return err
	}
	return a.o.Limiter.MayPublish(c.tenant, p.User, 1)
}
