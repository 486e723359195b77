// Package schema validates JSON by the schemas of docs/asyncapi.json and openapi.json, for tests. It knows the keywords of JSON Schema that
// those use, as drafts 7 and 2020-12 have them, and refuses a schema with another one. A test in the module verify compares it with
// a whole implementation; this one is here so that who imports Tidewire need not have that.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Document is a JSON document that schemas are in. It is safe for concurrent use.
type Document struct{ root any }

// Read reads a document.
func Read(text []byte) (*Document, error) {
	root, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("reading schemas: %w", err)
	}
	return &Document{root}, nil
}

// Validate says what is wrong with a JSON text by the schema at a JSON pointer (RFC 6901) into the document, as the fragment of a URL has it. The error
// names the place in the text.
func (d *Document) Validate(pointer string, text []byte) error {
	schema, err := d.at(pointer)
	if err != nil {
		return err
	}
	value, err := decode(text)
	if err != nil {
		return fmt.Errorf("it is not JSON: %w", err)
	}
	return d.check(schema, value, "")
}

// decode reads one JSON value. Numbers stay as they are written.
func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

// at finds what a pointer names.
func (d *Document) at(pointer string) (any, error) {
	text, err := url.PathUnescape(pointer)
	if err != nil {
		return nil, fmt.Errorf("pointer %q: %w", pointer, err)
	}
	value := d.root
	for step := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		members, _ := value.(map[string]any)
		next, ok := members[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
		if !ok {
			return nil, fmt.Errorf("pointer %q: no such member as %q", pointer, step)
		}
		value = next
	}
	return value, nil
}

// check says what is wrong with a value, which is at a place of the text.
func (d *Document) check(schema, value any, at string) error {
	switch s := schema.(type) {
	case bool:
		if !s {
			return fmt.Errorf("%s: must not be there", place(at))
		}
		return nil
	case map[string]any:
		var errs []error
		for keyword, argument := range s {
			errs = append(errs, d.rule(rule{s, keyword, argument, value, at}))
		}
		return errors.Join(errs...)
	}
	return fmt.Errorf("the schema of %s is neither an object nor a boolean", place(at))
}

func place(at string) string {
	if at == "" {
		return "the text"
	}
	return at
}
