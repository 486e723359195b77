package vectors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tidewire/tidewire/internal/schema"
)

// Package internal/schema judges as a whole implementation of JSON Schema does: every schema of both descriptions, by all examples and golden frames, each
// as it stands and changed in many ways.
func TestSchemaJudgesAsTheWholeDoes(t *testing.T) {
	t.Parallel()
	var texts [][]byte
	for _, pattern := range []string{"../../realtime/wire/testdata/*/*.json"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no golden frames: %v", err)
		}
		for _, name := range names {
			texts = append(texts, read(t, name))
		}
	}
	for _, name := range []string{"../../docs/asyncapi.json", "../../realtime/httpapi/openapi.json"} {
		texts = append(texts, examples(t, read(t, name))...)
	}
	for name, draft := range map[string]*jsonschema.Draft{"../../docs/asyncapi.json": jsonschema.Draft7, "../../realtime/httpapi/openapi.json": jsonschema.Draft2020} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			compare(t, read(t, name), draft, texts)
		})
	}
}

func compare(t *testing.T, text []byte, draft *jsonschema.Draft, texts [][]byte) {
	t.Helper()
	small, err := schema.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(draft)
	compiler.AssertFormat()
	if err := compiler.AddResource("document.json", parsed); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same changes each time
	good, bad := 0, 0
	for _, name := range slices.Sorted(maps.Keys(document.Components.Schemas)) {
		pointer := "/components/schemas/" + name
		whole, err := compiler.Compile("document.json#" + pointer)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			for range 4 {
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				want, got := whole.Validate(value), small.Validate(pointer, text)
				if (want == nil) != (got == nil) {
					t.Errorf("%s by %s: the whole says %v, and internal/schema %v", text, name, want, got)
				}
				if want == nil {
					good++
				} else {
					bad++
				}
				if text, err = json.Marshal(changed(random, value)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if t.Logf("%d texts fit, %d do not", good, bad); good < 100 || bad < 1000 {
		t.Error("that is too few on one side")
	}
}

// changed is a value with one change somewhere.
func changed(random *rand.Rand, value any) any {
	others := []any{nil, true, "", "a", "A:b", strings.Repeat("é", 300), json.Number("0"), json.Number("-1"), json.Number("1.0"), json.Number("1.5"), json.Number("99999999999"),
		[]any{}, map[string]any{}, "2026-11-25T09:30:00Z"}
	other := others[random.IntN(len(others))]
	switch v := value.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 || random.IntN(6) == 0 {
			v[fmt.Sprint("new", random.IntN(3))] = other
			return v
		}
		key := keys[random.IntN(len(keys))]
		if random.IntN(4) == 0 {
			delete(v, key)
		} else {
			v[key] = changed(random, v[key])
		}
		return v
	case []any:
		if len(v) == 0 || random.IntN(4) == 0 {
			return append(v, other)
		}
		at := random.IntN(len(v))
		v[at] = changed(random, v[at])
		return v
	}
	return other
}

// examples are those in a description.
func examples(t *testing.T, text []byte) (all [][]byte) {
	t.Helper()
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if example, ok := v["example"]; ok {
				text, err := json.Marshal(example)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, text)
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key])
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	walk(value)
	return all
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
