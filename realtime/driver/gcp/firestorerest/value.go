package firestorerest

import "encoding/json"

// value is a value as Firestore's REST interface has it: one of these is there.
type value struct {
	String    *string      `json:"stringValue"`
	Integer   *json.Number `json:"integerValue"` // in quotes
	Double    *json.Number `json:"doubleValue"`
	Boolean   *bool        `json:"booleanValue"`
	Timestamp *string      `json:"timestampValue"`
	Map       *struct {
		Fields map[string]json.RawMessage `json:"fields"`
	} `json:"mapValue"`
	Array *struct {
		Values []json.RawMessage `json:"values"`
	} `json:"arrayValue"`
}

// plain returns the value that JSON writes as itself. What is of no kind that a tenant's document has becomes an object that says so.
func plain(raw json.RawMessage) any {
	var v value
	if err := json.Unmarshal(raw, &v); err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	switch {
	case v.String != nil:
		return *v.String
	case v.Integer != nil:
		return *v.Integer
	case v.Double != nil:
		return *v.Double
	case v.Boolean != nil:
		return *v.Boolean
	case v.Timestamp != nil:
		return *v.Timestamp
	case v.Map != nil:
		fields := make(map[string]any, len(v.Map.Fields))
		for name, field := range v.Map.Fields {
			fields[name] = plain(field)
		}
		return fields
	case v.Array != nil:
		values := make([]any, len(v.Array.Values))
		for i, item := range v.Array.Values {
			values[i] = plain(item)
		}
		return values
	}
	var is map[string]any
	if json.Unmarshal(raw, &is) == nil && len(is) == 1 {
		if _, null := is["nullValue"]; null {
			return nil
		}
	}
	return is
}
