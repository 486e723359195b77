package schema_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/internal/schema"
)

const document = `{"schemas":{
	"name":{"type":"string","minLength":1,"maxLength":3,"pattern":"^[a-zé]+$"},
	"n":{"type":["integer","null"],"minimum":0,"maximum":10},
	"kind":{"enum":["a",1,null]},
	"one":{"const":1},
	"time":{"type":"string","format":"date-time"},
	"list":{"type":"array","items":{"$ref":"#/schemas/name"},"minItems":1,"maxItems":2},
	"thing":{"type":"object","properties":{"name":{"$ref":"#/schemas/name"}},"required":["name"],"additionalProperties":false},
	"map":{"type":"object","additionalProperties":{"type":"boolean"},"propertyNames":{"$ref":"#/schemas/name"},"maxProperties":1},
	"any":{"anyOf":[{"$ref":"#/schemas/one"},{"$ref":"#/schemas/name"}]},
	"either":{"oneOf":[{"type":"integer"},{"type":"integer","minimum":5}]},
	"both":{"allOf":[{"type":"integer"},{"not":{"const":3}}],"description":"x","default":1,"examples":[2]},
	"new":{"type":"string","contains":1},
	"uri":{"format":"uri"},
	"out":{"$ref":"other.json#/a"},
	"no":{"properties":{"gone":false}},
	"a/b":{"type":"null"}
}}`

func TestValidate(t *testing.T) {
	t.Parallel()
	d, err := schema.Read([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, text, wrong string }{
		{"name", `"abé"`, ""}, {"name", `""`, "at least"}, {"name", `"abcd"`, "at most"}, {"name", `"A"`, "must match"}, {"name", `1`, "type string"},
		{"n", `1.0`, ""}, {"n", `null`, ""}, {"n", `1.5`, "type"}, {"n", `-1`, "minimum"}, {"n", `11`, "maximum"}, {"n", `1e999`, "type"},
		{"kind", `1.0`, ""}, {"kind", `null`, ""}, {"kind", `"b"`, "one of"}, {"one", `1`, ""}, {"one", `"1"`, "must be 1"},
		{"time", `"2026-11-25T09:30:00.5Z"`, ""}, {"time", `"today"`, "RFC 3339"},
		{"list", `["a"]`, ""}, {"list", `[]`, "at least"}, {"list", `["a","b","c"]`, "at most"}, {"list", `["a",1]`, "/1: must be of type string"},
		{"thing", `{"name":"a"}`, ""}, {"thing", `{}`, `"name" is missing`}, {"thing", `{"name":"a","colour":1}`, "/colour: must not be there"}, {"thing", `{"name":1}`, "/name:"},
		{"map", `{"a":true}`, ""}, {"map", `{"A":true}`, "/A: must match"}, {"map", `{"a":1}`, "/a: must be of type boolean"}, {"map", `{"a":true,"b":true}`, "at most"},
		{"any", `1`, ""}, {"any", `"a"`, ""}, {"any", `2`, "must be 1"},
		{"either", `4`, ""}, {"either", `5`, "fits 2"}, {"either", `"x"`, "fits 0"},
		{"both", `4`, ""}, {"both", `3`, "must not"}, {"both", `"x"`, "type"},
		{"new", `"x"`, `the keyword "contains"`}, {"uri", `"x"`, "format uri"}, {"out", `1`, "out of the document"}, {"nowhere", `1`, "no such member"},
		{"no", `{}`, ""}, {"no", `{"gone":1}`, "must not be there"}, {"a~1b", `null`, ""}, {"a~1b", `1 2`, "not JSON"},
	} {
		err := d.Validate("/schemas/"+tt.name, []byte(tt.text))
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s by %s: %v, want %q", tt.text, tt.name, err, tt.wrong)
		}
	}
}
