package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// rule is one keyword of a schema with its argument, for a value that is at a place of the text.
type rule struct {
	schema          map[string]any
	keyword         string
	argument, value any
	at              string
}

func (r rule) fails(format string, args ...any) error {
	return fmt.Errorf("%s: %w", place(r.at), fmt.Errorf(format, args...))
}

// number is the argument as one.
func (r rule) number() (float64, bool) { return number(r.argument) }

func number(value any) (float64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil || math.IsInf(f, 0)
}

// rule applies one. A keyword about another type than the value's says nothing of it.
func (d *Document) rule(r rule) error {
	for _, apply := range []func(rule) (known bool, err error){d.general, d.composed, numbers, texts, d.arrays, d.objects} {
		if known, err := apply(r); known {
			return err
		}
	}
	return fmt.Errorf("the schema of %s has the keyword %q, which package schema does not know", place(r.at), r.keyword)
}

func (d *Document) general(r rule) (known bool, err error) {
	switch r.keyword {
	case "description", "default", "examples":
	case "type":
		names, several := r.argument.([]any)
		if !several {
			names = []any{r.argument}
		}
		if !slices.ContainsFunc(names, func(name any) bool { return isOf(r.value, name) }) {
			err = r.fails("must be of type %v", r.argument)
		}
	case "enum":
		if values, ok := r.argument.([]any); !ok || !slices.ContainsFunc(values, func(v any) bool { return equal(v, r.value) }) {
			err = r.fails("must be one of %v", r.argument)
		}
	case "const":
		if !equal(r.argument, r.value) {
			err = r.fails("must be %v", r.argument)
		}
	default:
		return false, nil
	}
	return true, err
}

func isOf(value, name any) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	default:
		f, ok := number(v)
		return ok && (name == "number" || name == "integer" && f == math.Trunc(f) && !math.IsInf(f, 0))
	}
}

func equal(a, b any) bool {
	x, xNumber := number(a)
	y, yNumber := number(b)
	if xNumber && yNumber {
		return x == y
	}
	return reflect.DeepEqual(a, b)
}

// composed are keywords whose arguments are schemas of the same value.
func (d *Document) composed(r rule) (known bool, err error) {
	schemas, _ := r.argument.([]any)
	holds := 0
	var errs []error
	for _, s := range schemas {
		if err := d.check(s, r.value, r.at); err != nil {
			errs = append(errs, err)
		} else {
			holds++
		}
	}
	switch r.keyword {
	case "$ref":
		text, _ := r.argument.(string)
		if len(text) == 0 || text[0] != '#' {
			return true, r.fails("$ref %q leads out of the document", text)
		}
		referred, err := d.at(text[1:])
		if err != nil {
			return true, err
		}
		return true, d.check(referred, r.value, r.at)
	case "allOf":
		return true, errors.Join(errs...)
	case "anyOf":
		if holds == 0 {
			err = errors.Join(errs...)
		}
	case "oneOf":
		if holds != 1 {
			err = r.fails("must fit one schema of oneOf, and fits %d: %w", holds, errors.Join(errs...))
		}
	case "not":
		if d.check(r.argument, r.value, r.at) == nil {
			err = r.fails("must not be like that")
		}
	default:
		return false, nil
	}
	return true, err
}

func numbers(r rule) (known bool, err error) {
	if r.keyword != "minimum" && r.keyword != "maximum" {
		return false, nil
	}
	value, ok := number(r.value)
	bound, _ := r.number()
	if ok && (r.keyword == "minimum" && value < bound || r.keyword == "maximum" && value > bound) {
		return true, r.fails("%s is %v, got %v", r.keyword, r.argument, r.value)
	}
	return true, nil
}

func texts(r rule) (known bool, err error) {
	text, ok := r.value.(string)
	limit, _ := r.number()
	switch length := float64(utf8.RuneCountInString(text)); r.keyword {
	case "minLength":
		if ok && length < limit {
			err = r.fails("must have %v characters at least, got %q", limit, text)
		}
	case "maxLength":
		if ok && length > limit {
			err = r.fails("must have %v characters at most, got %v", limit, length)
		}
	case "pattern":
		pattern, _ := r.argument.(string)
		if compiled, bad := regexp.Compile(pattern); bad != nil {
			err = bad
		} else if ok && !compiled.MatchString(text) {
			err = r.fails("must match %s, got %q", pattern, text)
		}
	case "format":
		if r.argument != "date-time" {
			err = r.fails("the format %v is not known", r.argument)
		} else if _, bad := time.Parse(time.RFC3339Nano, text); ok && bad != nil {
			err = r.fails("must be a time of RFC 3339: %w", bad)
		}
	default:
		return false, nil
	}
	return true, err
}

func (d *Document) arrays(r rule) (known bool, err error) {
	items, ok := r.value.([]any)
	limit, _ := r.number()
	switch r.keyword {
	case "minItems":
		if ok && float64(len(items)) < limit {
			err = r.fails("must have %v items at least, got %d", limit, len(items))
		}
	case "maxItems":
		if ok && float64(len(items)) > limit {
			err = r.fails("must have %v items at most, got %d", limit, len(items))
		}
	case "items":
		for i, item := range items {
			err = errors.Join(err, d.check(r.argument, item, fmt.Sprintf("%s/%d", r.at, i)))
		}
	default:
		return false, nil
	}
	return true, err
}

func (d *Document) objects(r rule) (known bool, err error) {
	members, ok := r.value.(map[string]any)
	described, _ := r.schema["properties"].(map[string]any)
	switch r.keyword {
	case "properties":
		for name, schema := range described {
			if value, has := members[name]; has {
				err = errors.Join(err, d.check(schema, value, r.at+"/"+name))
			}
		}
	case "additionalProperties":
		for name, value := range members {
			if _, has := described[name]; !has {
				err = errors.Join(err, d.check(r.argument, value, r.at+"/"+name))
			}
		}
	case "propertyNames":
		for name := range members {
			err = errors.Join(err, d.check(r.argument, name, r.at+"/"+name))
		}
	case "required":
		names, _ := r.argument.([]any)
		for _, name := range names {
			text, _ := name.(string)
			if _, has := members[text]; ok && !has {
				err = errors.Join(err, r.fails("%q is missing", text))
			}
		}
	case "maxProperties":
		if limit, _ := r.number(); ok && float64(len(members)) > limit {
			err = r.fails("must have %v members at most, got %d", limit, len(members))
		}
	default:
		return false, nil
	}
	return true, err
}
