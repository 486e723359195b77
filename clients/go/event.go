package tidewire

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Event is what is published, in the JSON form of the ingest endpoint.
type Event struct {
	Channel string `json:"channel"`
	// ID makes it safe to publish the event again: readers get the first of a channel. One that has none is given one.
	ID   string            `json:"id,omitempty"`
	Key  string            `json:"key,omitempty"` // what it replaces
	Tags map[string]string `json:"tags,omitempty"`
	Data json.RawMessage   `json:"data,omitempty"` // a JSON value; nil with Delete alone

	Delete bool              `json:"delete,omitempty"` // Key is removed
	TTL    realtime.Duration `json:"ttl,omitempty"`    // how long Data is valid as the value of Key
	// Transient says that it must not be kept: it is refused unless the state of its namespace is transient.
	Transient bool `json:"transient,omitempty"`

	EventType   string `json:"eventType,omitempty"`
	Source      string `json:"source,omitempty"`
	ContentType string `json:"contentType,omitempty"` // of what Data was before it became JSON
}

// Check refuses what no server takes, with code CodeBadRequest and the name of the field. Its channel and the size of its data are for the server
// to judge.
func (e *Event) Check() error { return e.check(nil) }

func (e *Event) check(condition *realtime.Condition) error {
	if _, err := realtime.NewChannel("any", e.Channel); err != nil {
		return err
	}
	if e.Data == nil && !e.Delete {
		return realtime.Errorf(realtime.CodeBadRequest, "data: is missing; send null for an event without data")
	}
	p := realtime.Publication{
		ID: e.ID, Key: e.Key, Tags: e.Tags, Data: e.Data, Op: e.op(), TTL: time.Duration(e.TTL), Transient: e.Transient,
		EventType: e.EventType, Source: e.Source, ContentType: e.ContentType, If: condition,
	}
	if err := p.CheckFields(); err != nil {
		return err
	}
	if e.Delete {
		return nil
	}
	_, err := wire.Compact(e.Data)
	return err
}

func (e *Event) op() realtime.Op {
	if e.Delete {
		return realtime.OpDelete
	}
	return realtime.OpSet
}

// Identify gives the event an ID if it has none.
func (e *Event) Identify() {
	if e.ID == "" {
		e.ID = rand.Text()
	}
}

// frame is the event as it is published over a socket. It has an ID.
func (e *Event) frame() *wire.ClientFrame {
	return &wire.ClientFrame{
		Type: wire.TypePublish, Channel: e.Channel, Event: e.ID, Key: e.Key, Tags: e.Tags, Data: e.Data, Op: e.op(), TTL: time.Duration(e.TTL), Transient: e.Transient,
		EventType: e.EventType, Source: e.Source, ContentType: e.ContentType, CountsRefusals: true,
	}
}
