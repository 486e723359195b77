package wire_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/internal/schema"
	"github.com/tidewire/tidewire/realtime/wire"
)

const asyncAPI = "../../docs/asyncapi.json"

// description is what the tests read of docs/asyncapi.json.
type description struct {
	Components struct {
		Messages map[string]struct {
			Payload struct {
				Ref string `json:"$ref"`
			} `json:"payload"`
		} `json:"messages"`
		Schemas map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
			Enum       []string                   `json:"enum"`
		} `json:"schemas"`
	} `json:"components"`
	Channels struct {
		Socket struct {
			Messages map[string]json.RawMessage `json:"messages"`
		} `json:"socket"`
	} `json:"channels"`
	document *schema.Document
}

func readDescription(t *testing.T) *description {
	t.Helper()
	text, err := os.ReadFile(asyncAPI)
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.document, err = schema.Read(text); err != nil {
		t.Fatal(err)
	}
	return &d
}

// validate judges a frame by one of the schemas.
func (d *description) validate(schema string, frame []byte) error {
	return d.document.Validate("/components/schemas/"+schema, frame)
}

// TestGoldenAgainstSchemas holds the golden frames, the schemas and the types in Go
// together: each has the others.
func TestGoldenAgainstSchemas(t *testing.T) {
	t.Parallel()
	d := readDescription(t)
	described := map[string]bool{} // messages that have a golden frame
	types := map[string]bool{}
	for _, side := range []string{"client", "server"} {
		for name, golden := range goldenFiles(t, side) {
			kind, _, _ := strings.Cut(name, ".")
			schema := side + "-" + kind
			if _, ok := d.Components.Messages[schema]; !ok {
				t.Errorf("%s/%s: %s has no message %s", side, name, asyncAPI, schema)
				continue
			}
			described[schema] = true
			for _, s := range []string{schema, side} {
				if err := d.validate(s, golden); err != nil {
					t.Errorf("%s/%s against %s: %v", side, name, s, err)
				}
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(golden, &members); err != nil {
				t.Fatal(err)
			}
			types[strings.Trim(string(members["type"]), `"`)] = true
			for member := range members {
				if _, ok := d.Components.Schemas[schema].Properties[member]; !ok {
					t.Errorf("%s/%s: %s does not describe its member %q", side, name, schema, member)
				}
			}
		}
	}
	for name, message := range d.Components.Messages {
		if !described[name] {
			t.Errorf("message %s has no golden frame", name)
		}
		if want := "#/components/schemas/" + name; message.Payload.Ref != want {
			t.Errorf("message %s has the payload %q, want %q", name, message.Payload.Ref, want)
		}
		if _, ok := d.Channels.Socket.Messages[name]; !ok {
			t.Errorf("message %s is not one of the channel's", name)
		}
	}
	for _, c := range constants(t, "frame.go", "Type") {
		if !types[c] {
			t.Errorf("type %q has no golden frame", c)
		}
		delete(types, c)
	}
	for name := range types {
		t.Errorf("type %q has no constant", name)
	}
}

func TestSchemaListsTheCodes(t *testing.T) {
	t.Parallel()
	got := readDescription(t).Components.Schemas["code"].Enum
	want := constants(t, "../codes.go", "Code")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s lists the codes %q, realtime has %q", asyncAPI, got, want)
	}
}

// constants returns the string constants of a type that a source file declares.
func constants(t *testing.T, path, typeName string) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typeName {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s declares no %s", path, typeName)
	}
	return values
}

// TestWrongFrames refuses each frame twice: by the decoder and by the schema.
func TestWrongFrames(t *testing.T) {
	t.Parallel()
	d := readDescription(t)
	for name, c := range wrongFrames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, []byte(c.frame), c)
			if err := d.validate("client", []byte(c.frame)); err == nil {
				t.Errorf("the schema of client frames accepts %s", c.frame)
			}
		})
	}
	for name, c := range wrongSubscriptions {
		if frame := `{"type":"connect","subscriptions":` + c.subscriptions + `}`; d.validate("client", []byte(frame)) == nil {
			t.Errorf("%s: the schema of client frames accepts %s", name, frame)
		}
	}
	if err := d.validate("client", []byte(`{"type":"ping","colour":"red"}`)); err != nil {
		t.Errorf("an unknown member is refused: %v", err)
	}
	if _, err := wire.Decode([]byte(`{"type":"ping","colour":"red","data":1,"asOf":"x"}`)); err != nil {
		t.Errorf("an unknown member, or one of another type, is refused: %v", err)
	}
}
