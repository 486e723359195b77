package intake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// EventID returns the ID of a CloudEvent's Publication. The specification makes source and id
// together unique, and they may be longer than an ID, so this is a hash of
// both: 22 characters that hold 128 bits of their SHA-256, with a zero byte between them.
func EventID(source, id string) string {
	h := sha256.New()
	h.Write([]byte(source))
	h.Write([]byte{0})
	h.Write([]byte(id))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// cloudEvent is a CloudEvent 1.0 that is being read. The SDK knows what an attribute may be.
// Its reader of JSON is not used: it panics on a data_base64 that is no string, ends at a
// member with an empty name, rounds numbers, and takes the second of two members of one name.
type cloudEvent struct {
	event.Event
	version string
	source  string // as it was written
	data    []byte // JSON
	// described says that the event has data, so that its type means something.
	described bool
}

func newCloudEvent() *cloudEvent { return &cloudEvent{Event: event.New(event.CloudEventsVersionV1)} }

// set sets an attribute from its string form.
func (e *cloudEvent) set(name, value string) error {
	switch name {
	case "specversion":
		e.version = value
	case "id":
		e.SetID(value)
	case "source":
		e.source = value
		e.SetSource(value)
	case "type":
		e.SetType(value)
	case "subject":
		e.SetSubject(value)
	case "dataschema":
		e.SetDataSchema(value)
	case "datacontenttype":
		e.SetDataContentType(value)
	case "time":
		t, err := types.ParseTime(value)
		if err != nil {
			return realtime.Errorf(realtime.CodeBadRequest, "time: must be an RFC 3339 time, got %.64q", value)
		}
		e.SetTime(t)
	default:
		e.SetExtension(name, value)
	}
	return nil
}

// check refuses what the specification does.
func (e *cloudEvent) check() error {
	if e.version != event.CloudEventsVersionV1 {
		return realtime.Errorf(realtime.CodeBadRequest, "specversion: must be 1.0, got %.16q", e.version)
	}
	err := e.Validate()
	if err == nil {
		return nil
	}
	faults, ok := err.(event.ValidationError) //nolint:errorlint // Validate returns it as it is
	if !ok {
		return realtime.Errorf(realtime.CodeBadRequest, "%v", err)
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		all = append(all, fmt.Sprintf("%.64s: %v", name, faults[name]))
	}
	return realtime.Errorf(realtime.CodeBadRequest, "%.512s", strings.Join(all, "; "))
}

// publication returns what the event is on a channel.
func (e *cloudEvent) publication(t *realtime.Tenant) (p realtime.Publication, err error) {
	if err := e.check(); err != nil {
		return p, err
	}
	if e.Subject() == "" {
		return p, realtime.Errorf(realtime.CodeBadRequest, "subject: is missing; it names the channel")
	}
	if p.Channel, err = realtime.NewChannel(t.ID, e.Subject()); err != nil {
		return p, err
	}
	p.ID, p.Data = EventID(e.source, e.ID()), e.data
	if err := e.describe(&p); err != nil {
		return p, err
	}
	for name, value := range e.Extensions() {
		text, err := types.Format(value)
		if err != nil {
			return p, realtime.Errorf(realtime.CodeBadRequest, "%.64s: %v", name, err)
		}
		if name == extensionKey {
			p.Key = text
			continue
		}
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		p.Tags[name] = text
	}
	return p, nil
}

// extensionKey is the extension of a CloudEvent that is a Publication's Key.
const extensionKey = "partitionkey"

// describe says what kind of event it is. A text that is too long is refused by the name that its producer knows.
func (e *cloudEvent) describe(p *realtime.Publication) error {
	p.EventType, p.Source = e.Type(), e.source
	if e.described && !isJSON(dataType(e.DataContentType())) {
		p.ContentType = e.DataContentType()
	}
	for _, d := range [...]struct{ attribute, value string }{{"type", p.EventType}, {"source", p.Source}, {"datacontenttype", p.ContentType}} {
		if n := len(d.value); n > realtime.MaxTypeBytes {
			return realtime.Errorf(realtime.CodeBadRequest, "%s: must be at most %d bytes, got %d", d.attribute, realtime.MaxTypeBytes, n)
		}
	}
	return nil
}

// readBinary reads a CloudEvent of which the headers are the attributes and the body is the
// data (HTTP binding 1.0.2, section 3.1).
func readBinary(b *batch, header http.Header, body []byte) error {
	b.lone = true
	return b.add(binaryEvent(b.tenant, header, body))
}

func binaryEvent(t *realtime.Tenant, header http.Header, body []byte) (p realtime.Publication, err error) {
	e := newCloudEvent()
	for name, values := range header {
		attribute, ok := strings.CutPrefix(name, "Ce-")
		if !ok {
			continue
		}
		attribute = strings.ToLower(attribute)
		if len(values) > 1 {
			return p, realtime.Errorf(realtime.CodeBadRequest, "ce-%.64s: appears twice", attribute)
		}
		value, err := url.PathUnescape(values[0]) // section 3.1.3.2
		if err != nil {
			return p, realtime.Errorf(realtime.CodeBadRequest, "ce-%.64s: %v", attribute, err)
		}
		if err := e.set(attribute, value); err != nil {
			return p, err
		}
	}
	contentType := header.Get("Content-Type")
	if contentType != "" {
		e.SetDataContentType(contentType)
	}
	if e.data, err = dataOf(dataType(contentType), body); err != nil {
		return p, err
	}
	e.described = len(body) > 0
	return e.publication(t)
}

// dataType returns the media type of data, or "" if nothing says what it is.
func dataType(contentType string) string {
	media, _ := parseType(contentType)
	return media
}

// dataOf returns bytes of any type as a JSON value.
func dataOf(media string, raw []byte) ([]byte, error) {
	switch {
	case len(raw) == 0:
		return []byte("null"), nil
	case isJSON(media):
		return wire.Compact(unmarked(raw))
	case strings.HasPrefix(media, "text/"):
		if !utf8.Valid(raw) {
			return nil, realtime.Errorf(realtime.CodeBadRequest, "data: is text, and must be UTF-8")
		}
		return json.Marshal(string(raw))
	}
	return json.Marshal(raw) // base64
}
