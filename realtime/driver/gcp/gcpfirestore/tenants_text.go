package gcpfirestore

import (
	"bytes"
	"encoding/json"
	"fmt"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
)

// textOf writes the fields of a document as JSON. What JSON cannot say is left to be refused as what it is not.
func textOf(s *firestore.DocumentSnapshot) []byte {
	fields := s.Data()
	delete(fields, updatedAt)
	text, err := json.Marshal(fields)
	if err != nil {
		text = fmt.Appendf(nil, "%q", err.Error())
	}
	return text
}

// encodeTenant returns the fields of a document as Firestore takes them.
func encodeTenant(doc *realtime.Tenant) (map[string]any, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, err
	}
	return numbers(fields).(map[string]any), nil
}

// numbers makes integers of the numbers in a decoded document, which holds no others.
func numbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			v[name] = numbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = numbers(item)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // it is a number
		return f
	}
	return value
}
