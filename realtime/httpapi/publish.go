package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// publish takes events in as the ingest function does, for every channel of the tenant.
func (a *api) publish(c *call) error {
	if err := c.mayPublish(); err != nil {
		return err
	}
	if problem := a.intake.Serve(c.w, c.r, c.tenant, c.publisher()); problem != nil {
		problem.Write(c.w)
	}
	return nil
}

// publisher is the caller as one who may publish to every channel.
func (c *call) publisher() *realtime.Principal {
	return &realtime.Principal{Tenant: c.tenantID, User: c.name(), Grants: realtime.Grants{Publish: []realtime.Pattern{"**"}}, Manage: []realtime.Manage{realtime.ManagePublish}}
}

// mayPublish refuses for a suspended tenant; of its own tokens none comes this far.
func (c *call) mayPublish() error {
	if c.tenant.Suspended {
		return realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
	}
	return nil
}

// sendTo is the call that sends to those whose user, group or connection, which kind says, is named in the path.
func sendTo(kind string) func(*api, *call) error {
	return func(a *api, c *call) error {
		name := c.r.PathValue(kind)
		switch kind {
		case "user":
			return a.send(c, realtime.Target{User: name}, realtime.ConnectionQuery{User: name}, kind)
		case "group":
			return a.send(c, realtime.Target{Group: name}, realtime.ConnectionQuery{Group: name}, kind)
		}
		return a.send(c, realtime.Target{Connection: name}, realtime.ConnectionQuery{ID: name}, kind)
	}
}

// sent answers a send.
type sent struct {
	ID          string `json:"id"`
	Connections int    `json:"connections"`
	More        bool   `json:"more,omitempty"`
}

// send sends an event to the connections of a target, if there are any. Those that are counted are the
// registry's first page; the event goes to all.
func (a *api) send(c *call, to realtime.Target, q realtime.ConnectionQuery, what string) error {
	if err := c.mayPublish(); err != nil {
		return err
	}
	if err := to.Check(); err != nil {
		return err
	}
	event, err := c.event()
	if err != nil {
		return err
	}
	if a.o.Limiter != nil {
		if err := a.o.Limiter.Publish(c.tenant, c.name(), 1); err != nil {
			return err
		}
	}
	q.Limit = 1000
	page, err := a.o.Registry.Connections(c.r.Context(), c.tenantID, q)
	if err != nil {
		return err
	}
	if len(page.Connections) == 0 {
		return realtime.Errorf(realtime.CodeNotFound, "%s: nobody is connected; nothing was sent", what)
	}
	if err := a.o.Publisher.SendDirect(c.r.Context(), c.tenant, to, event); err != nil {
		return withoutTopic(err)
	}
	return c.answer(http.StatusOK, sent{ID: event.ID, Connections: len(page.Connections), More: page.Next != ""})
}

// event reads the body of a send.
func (c *call) event() (*realtime.Publication, error) {
	var b struct {
		ID   string            `json:"id"`
		Key  string            `json:"key"`
		Tags map[string]string `json:"tags"`
		Data json.RawMessage   `json:"data"`

		EventType   string `json:"eventType"`
		Source      string `json:"source"`
		ContentType string `json:"contentType"`
	}
	if _, err := c.body(&b); err != nil {
		return nil, err
	}
	data, err := c.data(b.Data)
	if err != nil {
		return nil, err
	}
	event := &realtime.Publication{ID: b.ID, Key: b.Key, Tags: b.Tags, Data: data, EventType: b.EventType, Source: b.Source, ContentType: b.ContentType}
	return event, event.CheckFields()
}

// data is what the member data of a body holds, within the tenant's limit.
func (c *call) data(sent json.RawMessage) ([]byte, error) {
	if sent == nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: is missing; send null for an event without data")
	}
	data, err := wire.Compact(sent)
	if err != nil {
		return nil, err
	}
	if limit := c.tenant.Limits.WithDefaults().MessageBytes; len(data) > limit {
		e := realtime.Errorf(realtime.CodeTooLarge, "data: must be at most %d bytes (limits.messageBytes), got %d", limit, len(data))
		e.Limit = "messageBytes"
		return nil, e
	}
	return data, nil
}

// withoutTopic makes a fault of ours of a topic that does not exist: 404 would say that of the path.
func withoutTopic(err error) error {
	if realtime.CodeOf(err) != realtime.CodeNotFound {
		return err
	}
	return &realtime.Error{Code: realtime.CodeInternal, Message: "the tenant has no topic; an operator must PUT the tenant again", Err: err}
}
