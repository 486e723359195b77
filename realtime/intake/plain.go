package intake

import (
	"bytes"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
	"github.com/tidewire/tidewire/realtime/wire"
)

// readJSON reads one plain event or an array of them.
func readJSON(b *batch, _ http.Header, body []byte) error {
	body = unmarked(body)
	if err := checkJSON(body, 1); err != nil {
		return err
	}
	if jsontext.Begins(body) != '[' {
		b.lone = true
		return b.add(plainEvent(b.tenant, body))
	}
	for event := range jsontext.Elements(body) {
		if err := b.add(plainEvent(b.tenant, event)); err != nil {
			return err
		}
	}
	return nil
}

// readLines reads a plain event a line; lines without one are skipped.
func readLines(b *batch, _ http.Header, body []byte) error {
	body = unmarked(body)
	number := 0
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.Trim(line, " \t\r\n"); len(line) == 0 {
			continue
		}
		var p realtime.Publication
		err := checkJSON(line, number)
		if err == nil {
			p, err = plainEvent(b.tenant, line)
		}
		if err := b.add(p, err); err != nil {
			return err
		}
	}
	return nil
}

// plainEvent reads one event of the form that doc.go shows. A field that is null
// counts as one that is not there, but for data.
func plainEvent(t *realtime.Tenant, text []byte) (realtime.Publication, error) {
	f, err := fieldsOf(text)
	if err != nil {
		return realtime.Publication{}, err
	}
	var p realtime.Publication
	channel, err := f.text(fieldChannel)
	if err == nil && channel == "" {
		err = realtime.Errorf(realtime.CodeBadRequest, "channel: is missing")
	}
	if err == nil {
		p.Channel, err = realtime.NewChannel(t.ID, channel)
	}
	for _, t := range [...]struct {
		which field
		value *string
	}{
		{fieldID, &p.ID}, {fieldKey, &p.Key}, {fieldEventType, &p.EventType}, {fieldSource, &p.Source}, {fieldContentType, &p.ContentType},
	} {
		if err == nil {
			*t.value, err = f.text(t.which)
		}
	}
	if err == nil {
		p.Tags, err = f.tags()
	}
	if err == nil {
		p.TTL, err = f.ttl()
	}
	if err == nil {
		p.Transient, err = f.flag(fieldTransient)
	}
	if err == nil {
		p.Op, err = f.operation()
	}
	if err == nil {
		p.Data, err = f.data(p.Op)
	}
	return p, err
}

// field is a field of a plain event.
type field int

const (
	fieldChannel field = iota
	fieldID
	fieldKey
	fieldTags
	fieldData
	fieldDelete
	fieldTTL
	fieldTransient
	fieldEventType
	fieldSource
	fieldContentType
	numFields
)

func (f field) String() string {
	return [numFields]string{"channel", "id", "key", "tags", "data", "delete", "ttl", "transient", "eventType", "source", "contentType"}[f]
}

// fields are the values of an event's fields, as they are written.
type fields [numFields][]byte

func fieldsOf(text []byte) (f fields, err error) {
	if jsontext.Begins(text) != '{' {
		return f, realtime.Errorf(realtime.CodeBadRequest, "an event must be a JSON object")
	}
	for name, value := range jsontext.Members(text) {
		which := numFields
		for known := range numFields {
			if string(name) == known.String() {
				which = known
			}
		}
		if which == numFields {
			return f, realtime.Errorf(realtime.CodeBadRequest, "%.64q: unknown field; an event has channel, id, key, tags, data, delete, ttl, transient, eventType, source and contentType", name)
		}
		if f[which] != nil { // readers of JSON do not agree which of the two counts
			return f, realtime.Errorf(realtime.CodeBadRequest, "%s: appears twice", which)
		}
		f[which] = value
	}
	return f, nil
}

// text returns a string, empty if there is none.
func (f *fields) text(which field) (string, error) {
	switch v := f[which]; {
	case isNull(v):
		return "", nil
	case v[0] != '"':
		return "", realtime.Errorf(realtime.CodeBadRequest, "%s: must be a string", which)
	default:
		return jsontext.Unquote(v), nil
	}
}

func (f *fields) tags() (map[string]string, error) {
	if isNull(f[fieldTags]) {
		return nil, nil
	}
	tags, err := jsontext.Strings(f[fieldTags])
	if err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "tags: %v", err)
	}
	return tags, nil
}

// operation is what delete says.
func (f *fields) operation() (realtime.Op, error) {
	if deletes, err := f.flag(fieldDelete); err != nil || deletes {
		return realtime.OpDelete, err
	}
	return realtime.OpSet, nil
}

// flag returns true or false, which is also what there is if it is left out.
func (f *fields) flag(which field) (bool, error) {
	switch v := f[which]; {
	case isNull(v) || string(v) == "false":
		return false, nil
	case string(v) == "true":
		return true, nil
	}
	return false, realtime.Errorf(realtime.CodeBadRequest, "%s: must be true or false", which)
}

func (f *fields) ttl() (time.Duration, error) {
	if isNull(f[fieldTTL]) {
		return 0, nil
	}
	text, err := f.text(fieldTTL)
	if err != nil {
		return 0, err
	}
	return realtime.ParseTTL(text)
}

func (f *fields) data(op realtime.Op) ([]byte, error) {
	if f[fieldData] == nil && op == realtime.OpDelete {
		return nil, nil
	}
	if f[fieldData] == nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: is missing; send null for an event without data")
	}
	return wire.Compact(f[fieldData])
}

// isNull reports whether a value is null or not there.
func isNull(value []byte) bool { return value == nil || value[0] == 'n' }
