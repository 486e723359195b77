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
	// Op is what becomes of the Key: OpSet, unless it is removed.
	Op Op
	// TTL is how long after Time the value of Key is good; zero is for good.
	TTL time.Duration
	// Transient says that it is of use for the state of its channel alone, and for TransientTTL at most: no record, no history and no store has it, and
	// only readers of the state are given it. It has a Key and no Condition. A lost one is not noticed, since the next one replaces it.
	Transient bool
	// If is what has to hold of the Key; nil is nothing. It is decided in the order of the log, see Condition.
	If *Condition
	// EventType is the kind of event, such as the type of a CloudEvent; Source is what it comes from.
	EventType string
	Source    string
	// ContentType is what Data was before it was made JSON; empty if it was JSON.
	ContentType string
	// Time is the moment the broker stored it, in whole milliseconds. It is
	// zero until then.
	Time time.Time
}

// Position returns where a reader stands that has seen p.
func (p *Publication) Position() Position { return Position{Time: p.Time.UnixMilli(), ID: p.ID} }

// Expires returns the moment from which the value of its Key is good no more; zero is never.
func (p *Publication) Expires() time.Time {
	if p.TTL == 0 {
		return time.Time{}
	}
	return p.Time.Add(p.TTL)
}

// The bounds of a Publication's texts.
const (
	MaxTags      = 32
	MaxTagBytes  = 256 // of a name or a value
	MaxTypeBytes = 256 // of EventType, Source and ContentType
)

// Check refuses a Publication whose ID, key, tags, operation or descriptions are out of bounds. An error
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
	for _, described := range [...]struct{ field, value string }{
		{"eventType", p.EventType}, {"source", p.Source}, {"contentType", p.ContentType},
	} {
		if err := checkText(described.field, described.value, MaxTypeBytes); err != nil {
			return err
		}
	}
	if err := p.checkOp(); err != nil {
		return err
	}
	if err := p.checkCondition(); err != nil {
		return err
	}
	if err := p.checkTransient(); err != nil {
		return err
	}
	return p.checkTags()
}

func (p *Publication) checkTags() error {
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
