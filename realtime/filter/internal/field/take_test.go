package field

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Fields of data are those that encoding/json decodes.
func FuzzFields(f *testing.F) {
	for _, data := range []string{
		`{"a":1}`, `{"a":{"b":"x"},"a":{"c":2}}`, `{"a":{"b":1},"a":2}`, `{"a":2,"a":{"b":1}}`, ` { "a" : { "b" : [ { "b" : 1 } ] , "c" : null } } `, `{"\u0061":"\ud83d\ude00\ud800\n\"\\\/"}`,
		`{"x":{"a":{"b":1}},"a":{"b":{"c":true}}}`, "{\"a\":\"\xff\"}", `{"a":-0,"d":1e400,"":1}`, `[{"a":1}]`, `"a"`, `null`, `{"a`, `{"a":`, `{"a":{"b"`, `{"a":tru`, `{"a":"\u12`, `{"a":}`, `{"a":[}`, `{"d":12345678901234567890}`, `{`, ``,
		`{"A":1}`, `{"a":"\u00zz"}`, `{"a":{"b":{"c":1,"c":2}}}`,
	} {
		f.Add(data)
	}
	of, err := NewSet([]string{"data.a", "data.a.b", "data.a.b.c", "data.d", "data.a.e"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data string) {
		values := make([]Value, len(of.Names()))
		of.Take([]byte(data), values, nil)
		if !json.Valid([]byte(data)) {
			return
		}
		for i, name := range of.Names() {
			want := decoded([]byte(data), strings.Split(name, ".")[1:])
			if got := values[i]; got != want {
				t.Errorf("%s of %s is %s, want %s", name, data, fmt.Sprint(got), fmt.Sprint(want))
			}
		}
	})
}

// decoded is a field as encoding/json has it. Of members that appear twice the last one counts, as a whole.
func decoded(data []byte, path []string) Value {
	var members map[string]json.RawMessage
	if len(path) > 0 {
		if data[0] == '{' || strings.TrimSpace(string(data))[0] == '{' {
			_ = json.Unmarshal(data, &members)
		}
		if inside, ok := members[path[0]]; ok {
			return decoded(inside, path[1:])
		}
		return Value{}
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return Value{Kind: Composite} // out of range
	}
	switch v := v.(type) {
	case string:
		return TextOf(v)
	case float64:
		return NumberOf(v)
	case bool:
		return BoolOf(v)
	case nil:
		return Value{Kind: Null}
	}
	return Value{Kind: Composite}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0", "-0", "1", "10", "-1.5e+3", "01", "1.", ".1", "1e", "1e+", "-", "", "+1", "0x1", "1_0", "Inf", "NaN", " 1", "1 ", "1e400", "1E5", "--1", "1.2.3", "١"} {
		var want float64
		wantOK := json.Unmarshal([]byte(s), &want) == nil && strings.TrimSpace(s) == s
		if got, ok := ParseNumber(s); ok != wantOK || ok && got != want {
			t.Errorf("%q is %v, %v", s, got, ok)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	many := make([]string, Max+1)
	for i := range many {
		many[i] = "data.x" + strings.Repeat("y", i)
	}
	for _, of := range []struct {
		names []string
		want  string
	}{
		{many, "filterable: must be at most 16 fields, got 17"},
		{[]string{"bid"}, `filterable: "bid" must begin with "data.", as data.bid`},
		{[]string{"data"}, `filterable: "data" must begin with "data.", as data.bid`},
		{[]string{"data..x"}, `filterable: "data..x" has an empty member`},
		{[]string{"data.x", "data.x"}, `filterable: "data.x" appears twice`},
		{[]string{"data.1.2.3.4.5.6.7.8.9"}, `filterable: "data.1.2.3.4.5.6.7.8.9" must have at most 8 members`},
	} {
		if _, err := NewSet(of.names); err == nil || err.Error() != of.want {
			t.Errorf("%.3q: %v", of.names, err)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	of, err := NewSet([]string{"data.bid", "data.symbol", "data.quote.ask"})
	if err != nil {
		b.Fatal(err)
	}
	data, values := []byte(`{"time":1767225600177,"bid":1.0843,"ask":1.0845,"symbol":"EURUSD","book":[[1,2],[3,4]],"quote":{"bid":1,"ask":2.5}}`), make([]Value, 3)
	b.ReportAllocs()
	for b.Loop() {
		of.Take(data, values, nil)
	}
}
