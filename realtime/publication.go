package realtime

import (
	"time"
	"unicode/utf8"
)

// Publication is one event on a channel. It is never changed after it was
// published: everybody who is handed one, readers included, shares its Tags and
// Data.
type Publication struct {
	Channel Channel
	// ID identifies the event in its channel: the producer's idempotency key,
	// or one made by whatever accepts the event. A second Publication of the same channel and ID is a repetition of
	// the first and is dropped by every hub.
	ID string
	// Key names what the event replaces (a symbol, a vehicle, a widget), for
	// conflation and state; empty if it replaces nothing.
	Key string
	// Tags are flat attributes for filters.
	Tags map[string]string
	// Data is the payload, a JSON value.
	Data []byte
	// Time is the moment the broker stored it, in whole milliseconds. It is
	// zero until then.
	Time time.Time
}

// Position returns where a reader stands that has seen p.
func (p *Publication) Position() Position { return Position{Time: p.Time.UnixMilli(), ID: p.ID} }

// The bounds of a Publication's tags.
const (
	MaxTags     = 32
	MaxTagBytes = 256 // of a name or a value
)

// Check refuses a Publication whose ID, key or tags are out of bounds. An error
// has code CodeBadRequest and names the field. Size of Data is a limit of the
// tenant, and checked by whatever accepts the event.
func (p *Publication) Check() error {
	if p.Channel.IsZero() {
		return Errorf(CodeBadRequest, "channel: is missing")
	}
	return p.CheckFields()
}

// CheckFields is Check for an event without a channel.
func (p *Publication) CheckFields() error {
	if err := checkText("id", p.ID, MaxIDBytes); err != nil {
		return err
	}
	if err := checkText("key", p.Key, MaxIDBytes); err != nil {
		return err
	}
	if len(p.Tags) > MaxTags {
		return Errorf(CodeBadRequest, "tags: must be at most %d, got %d", MaxTags, len(p.Tags))
	}
	for name, value := range p.Tags {
		if name == "" {
			return Errorf(CodeBadRequest, "tags: a name must not be empty")
		}
		if err := checkText("tags: "+clip(name), name, MaxTagBytes); err != nil {
			return err
		}
		if err := checkText("tags: "+clip(name), value, MaxTagBytes); err != nil {
			return err
		}
	}
	return nil
}

func checkText(field, s string, limit int) error {
	if len(s) > limit {
		return Errorf(CodeBadRequest, "%s: must be at most %d bytes, got %d", field, limit, len(s))
	}
	if !utf8.ValidString(s) {
		return Errorf(CodeBadRequest, "%s: is not UTF-8", field)
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return Errorf(CodeBadRequest, "%s: contains a control character", field)
		}
	}
	return nil
}
