package intake

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
	"github.com/tidewire/tidewire/realtime/wire"
)

// readStructured reads a CloudEvent in the JSON format.
func readStructured(b *batch, _ http.Header, body []byte) error {
	body = unmarked(body)
	if err := checkJSON(body, 1); err != nil {
		return err
	}
	b.lone = true
	return b.add(structuredEvent(b.tenant, body))
}

// readCloudEvents reads an array of them.
func readCloudEvents(b *batch, _ http.Header, body []byte) error {
	body = unmarked(body)
	if err := checkJSON(body, 1); err != nil {
		return err
	}
	if jsontext.Begins(body) != '[' {
		return realtime.Errorf(realtime.CodeBadRequest, "a batch of CloudEvents must be a JSON array")
	}
	b.mayBeNone = true // JSON format 1.0.2, section 4
	for event := range jsontext.Elements(body) {
		if err := b.add(structuredEvent(b.tenant, event)); err != nil {
			return err
		}
	}
	return nil
}

func structuredEvent(t *realtime.Tenant, text []byte) (p realtime.Publication, err error) {
	if jsontext.Begins(text) != '{' {
		return p, realtime.Errorf(realtime.CodeBadRequest, "a CloudEvent must be a JSON object")
	}
	e := newCloudEvent()
	var data, base64Data []byte
	seen := map[string]bool{}
	for quoted, value := range jsontext.Members(text) {
		name := string(quoted)
		if seen[name] {
			return p, realtime.Errorf(realtime.CodeBadRequest, "%.64q: appears twice", name)
		}
		seen[name] = true
		switch {
		case isNull(value): // as if it were not there: JSON format 1.0.2, section 2.2
		case name == "data":
			data = value
		case name == "data_base64":
			base64Data = value
		default:
			err = e.setJSON(name, value)
		}
		if err != nil {
			return p, err
		}
	}
	if e.data, err = structuredData(dataType(e.DataContentType()), data, base64Data); err != nil {
		return p, err
	}
	e.described = data != nil || base64Data != nil
	return e.publication(t)
}

// setJSON sets an attribute from its JSON form. Those of the specification are strings all; an
// extension may be a boolean or an integer of 32 bits as well (JSON format 1.0.2, section 2.2).
func (e *cloudEvent) setJSON(name string, value []byte) error {
	if strings.ToLower(name) != name {
		return realtime.Errorf(realtime.CodeBadRequest, "%.64q: the name of an attribute must be in lower case", name)
	}
	if value[0] == '"' {
		return e.set(name, jsontext.Unquote(value))
	}
	switch name {
	case "specversion", "id", "source", "type", "subject", "dataschema", "datacontenttype", "time":
		return realtime.Errorf(realtime.CodeBadRequest, "%s: must be a string", name)
	}
	switch word := string(value); word {
	case "true", "false":
		e.SetExtension(name, word == "true")
	default:
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return realtime.Errorf(realtime.CodeBadRequest, "%.64q: must be a string, a boolean or a 32-bit integer", name)
		}
		e.SetExtension(name, int32(n))
	}
	return nil
}

// structuredData returns as JSON what the members data and data_base64 hold (JSON format 1.0.2, section 3.1).
func structuredData(media string, data, base64Data []byte) ([]byte, error) {
	switch {
	case data != nil && base64Data != nil:
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: must not be used together with data_base64")
	case data == nil && base64Data == nil:
		return []byte("null"), nil
	case data != nil && isJSON(media):
		return wire.Compact(data)
	case data != nil && data[0] != '"':
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: must be a string, because datacontenttype is not JSON")
	case data != nil:
		return data, nil
	case base64Data[0] != '"':
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data_base64: must be a string")
	}
	raw, err := base64.StdEncoding.DecodeString(jsontext.Unquote(base64Data))
	if err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data_base64: %v", err)
	}
	return dataOf(media, raw)
}
