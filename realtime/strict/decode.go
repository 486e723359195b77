// Package strict reads JSON that people write, such as tenant documents and the bodies of the management API:
// what is misspelt is told with its place, and never passed over.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// Decode fills what into points at, as encoding/json would, and goes on after a fault. A
// field that does not exist, one that appears twice and one that holds the wrong thing
// are faults that name it by its path, such as limits.conections. All of them come in one error, of
// CodeBadRequest, and whole is what the text itself is called there, such as "body". Of strings it
// shows nothing: they may be secrets.
//
// Structs are filled by the names in their json tags; what is known beside them are maps by strings,
// slices, pointers, strings, bools, numbers and what reads itself (json.Unmarshaler).
func Decode(whole string, text []byte, into any) error {
	if err := checkSyntax(whole, text); err != nil {
		return err
	}
	d := decoder{whole: whole}
	d.decode("", text, reflect.ValueOf(into).Elem())
	return errors.Join(d.faults...)
}

// checkSyntax finds the line on which the text stops being JSON.
func checkSyntax(whole string, text []byte) error {
	if !utf8.Valid(text) {
		return realtime.Errorf(realtime.CodeBadRequest, "%s: is not UTF-8", whole)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	var value json.RawMessage
	err := dec.Decode(&value)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("there is data after the document")
	}
	offset := dec.InputOffset()
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		offset = e.Offset
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		offset = int64(len(text))
	}
	line := 1 + bytes.Count(text[:offset], []byte("\n"))
	return realtime.Errorf(realtime.CodeBadRequest, "line %d: %v", line, err)
}

// decoder knows the path of what it fills.
type decoder struct {
	whole  string
	faults []error
}

func (d *decoder) fault(path, format string, args ...any) {
	if path == "" {
		path = d.whole
	}
	d.faults = append(d.faults, realtime.Errorf(realtime.CodeBadRequest, "%s: %s", path, fmt.Sprintf(format, args...)))
}

// member is a name and its value in a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members takes an object apart, in its order. null is an object without any.
func (d *decoder) members(path string, text json.RawMessage) []member {
	if jsontext.Begins(text) == 'n' {
		return nil
	}
	if jsontext.Begins(text) != '{' {
		d.fault(path, "must be an object")
		return nil
	}
	var all []member
	seen := map[string]bool{}
	for name, value := range jsontext.Members(text) {
		m := member{name: string(name), value: value}
		if seen[m.name] {
			d.fault(join(path, m.name), "appears twice")
			continue
		}
		seen[m.name] = true
		all = append(all, m)
	}
	return all
}

// decode fills v, which is addressable.
func (d *decoder) decode(path string, text json.RawMessage, v reflect.Value) {
	if own, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		if err := own.UnmarshalJSON(text); err != nil {
			d.fault(path, "%v", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if jsontext.Begins(text) != 'n' {
			v.Set(reflect.New(v.Type().Elem()))
			d.decode(path, text, v.Elem())
		}
	case reflect.Struct:
		for _, m := range d.members(path, text) {
			if field := fieldByName(v, m.name); field.IsValid() {
				d.decode(join(path, m.name), m.value, field)
			} else {
				d.fault(join(path, m.name), "unknown field")
			}
		}
	case reflect.Map: // of strings to something
		if jsontext.Begins(text) == '{' {
			v.Set(reflect.MakeMap(v.Type()))
		}
		for _, m := range d.members(path, text) {
			value := reflect.New(v.Type().Elem()).Elem()
			d.decode(join(path, m.name), m.value, value)
			v.SetMapIndex(reflect.ValueOf(m.name).Convert(v.Type().Key()), value)
		}
	case reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil {
			d.fault(path, "must be an array")
			return
		}
		if items == nil {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			d.decode(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
		}
	default: // a string, bool or number
		if err := json.Unmarshal(text, v.Addr().Interface()); err != nil {
			kind := "a string"
			switch {
			case v.CanInt():
				kind = "a whole number"
			case v.CanFloat():
				kind = "a number"
			case v.Kind() == reflect.Bool:
				kind = "true or false"
			}
			d.fault(path, "must be %s, got %s", kind, describe(text))
		}
	}
}

// describe says what a value is. It shows numbers alone: a string may be a secret.
func describe(text json.RawMessage) string {
	switch text[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	}
	return string(text[:min(len(text), 32)])
}

// fieldByName finds the field of a struct that has the name in JSON. The zero
// Value says that there is none.
func fieldByName(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if tag == name && tag != "-" && tag != "" {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
