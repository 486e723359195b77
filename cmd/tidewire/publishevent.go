package main

import (
	"cmp"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
)

// event is one line of NDJSON, in the form of the ingest endpoint.
type event struct {
	tidewire.Event
	line int // of standard input, 0 if it is not from there
}

// complete fills in what an event leaves out.
func (e *event) complete(standard *tidewire.Event) {
	e.Channel, e.Key = cmp.Or(e.Channel, standard.Channel), cmp.Or(e.Key, standard.Key)
	e.EventType, e.Source = cmp.Or(e.EventType, standard.EventType), cmp.Or(e.Source, standard.Source)
	if !e.Delete {
		e.TTL = cmp.Or(e.TTL, standard.TTL)
	}
	if e.Tags == nil {
		e.Tags = standard.Tags
	}
}

// checkTTL refuses a --ttl that no server takes; 0 is none.
func checkTTL(ttl time.Duration) error {
	if ttl == 0 {
		return nil
	}
	if _, err := realtime.ParseTTL(ttl.String()); err != nil {
		return usage.Errorf("--%v", err)
	}
	return nil
}
