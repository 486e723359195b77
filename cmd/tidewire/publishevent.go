package main

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// event is one line of NDJSON, in the form of the ingest endpoint.
type event struct {
	ID      string            `json:"id,omitempty"`
	Channel string            `json:"channel,omitempty"`
	Key     string            `json:"key,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Data    json.RawMessage   `json:"data,omitempty"`

	Delete      bool   `json:"delete,omitempty"`
	TTL         string `json:"ttl,omitempty"`
	EventType   string `json:"eventType,omitempty"`
	Source      string `json:"source,omitempty"`
	ContentType string `json:"contentType,omitempty"`

	line int // of standard input, 0 if it is not from there
}

// complete fills in what an event leaves out.
func (e *event) complete(standard *event) {
	e.Channel, e.Key = cmp.Or(e.Channel, standard.Channel), cmp.Or(e.Key, standard.Key)
	e.EventType, e.Source = cmp.Or(e.EventType, standard.EventType), cmp.Or(e.Source, standard.Source)
	if !e.Delete {
		e.TTL = cmp.Or(e.TTL, standard.TTL)
	}
	if e.Tags == nil {
		e.Tags = standard.Tags
	}
}

// frame is the event as a page publishes it.
func (e *event) frame() wire.ClientFrame {
	f := wire.ClientFrame{Type: wire.TypePublish, Channel: e.Channel, Key: e.Key, Tags: e.Tags, Data: e.Data, EventType: e.EventType, Source: e.Source}
	if e.Delete {
		f.Op = realtime.OpDelete
	}
	f.TTL, _ = time.ParseDuration(e.TTL) // ttlOf has written it
	return f
}

// ttlOf is what an event says of a duration; 0 is none.
func ttlOf(ttl time.Duration) (string, error) {
	if ttl == 0 {
		return "", nil
	}
	if _, err := realtime.ParseTTL(ttl.String()); err != nil {
		return "", usage.Errorf("--%v", err)
	}
	return ttl.String(), nil
}
