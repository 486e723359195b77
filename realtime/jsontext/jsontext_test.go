package jsontext_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/tidewire/tidewire/realtime/jsontext"
)

func Example() {
	order := ` {"symbol": "EURUSD", "amounts": [1, 2.5e3], "symbol": null} `
	for name, value := range jsontext.Members(order) {
		fmt.Println(name, value)
		if jsontext.Begins(value) != '[' {
			continue
		}
		for amount := range jsontext.Elements(value) {
			fmt.Println("-", amount)
		}
	}
	// Output:
	// symbol "EURUSD"
	// amounts [1, 2.5e3]
	// - 1
	// - 2.5e3
	// symbol null
}

// What was taken apart and put together again means the same to encoding/json.
func FuzzWalk(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, ` { } `, "[\n1 ,\"a,]}\\\"\" , {\"x\":[[]]},true]", `{"a\\":"\"}","":-0.1e+9,"\u0041":[{"b":null}]}`, `"é\ud800"`, `7`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return // not what the package is for
		}
		again := copied(text)
		var want, got bytes.Buffer
		if json.Compact(&want, text) != nil || json.Compact(&got, again) != nil || !bytes.Equal(normal(t, want.Bytes()), normal(t, got.Bytes())) {
			t.Errorf("%s\nbecame %s", want.Bytes(), again)
		}
		if fmt.Sprint(string(again)) != copied(string(text)) {
			t.Error("bytes and a string of them differ")
		}
	})
}

// copied writes a value again from its parts.
func copied[T jsontext.Text](value T) T {
	comma := func(out string) string {
		if len(out) > 1 {
			return out + ","
		}
		return out
	}
	out := ""
	switch jsontext.Begins(value) {
	case '{':
		out = "{"
		for name, part := range jsontext.Members(value) {
			quoted, _ := json.Marshal(string(name)) // a string: never fails
			out = comma(out) + string(quoted) + ":" + string(copied(part))
		}
		out += "}"
	case '[':
		out = "["
		for part := range jsontext.Elements(value) {
			out = comma(out) + string(copied(part))
		}
		out += "]"
	case '"':
		text := bytes.TrimSpace([]byte(value))
		quoted, _ := json.Marshal(jsontext.Unquote(text)) // a string: never fails
		out = string(quoted)
	default:
		out = string(value)
	}
	return T(out)
}

// normal lists the tokens that encoding/json reads; numbers stay as they are.
func normal(t *testing.T, text []byte) []byte {
	t.Helper()
	var tokens bytes.Buffer
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return tokens.Bytes()
		}
		fmt.Fprintf(&tokens, "%T %v\n", token, token)
	}
}
