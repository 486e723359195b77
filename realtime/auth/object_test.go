package auth

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     map[string]string
	}{
		{"empty", " { } ", map[string]string{}},
		{"kinds", `{"a":1e3,"b":"x\"}","c":[{"}":"]"},[]],"d":{"":null},"e":true}`, map[string]string{
			"a": "1e3", "b": `"x\"}"`, "c": `[{"}":"]"},[]]`, "d": `{"":null}`, "e": "true",
		}},
		{"spaces", "\n{\t\"a\" : -0.5 ,\r\"b\":\"\\\\\" }\n", map[string]string{"a": "-0.5", "b": `"\\"`}},
		{"escaped name", `{"\u0061\/":0}`, map[string]string{"a/": "0"}},
		{"names differ in case", `{"sub":1,"SUB":2}`, map[string]string{"sub": "1", "SUB": "2"}},
		{"an inner name may repeat", `{"a":{"x":1,"x":2}}`, map[string]string{"a": `{"x":1,"x":2}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := membersOf([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

func membersOf(raw []byte) (map[string]string, error) {
	o, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	err = o.each(func(name, value string) error {
		m[name] = value
		return nil
	})
	return m, err
}

// FuzzObject compares with encoding/json: what is read is what it reads, and
// what is refused beyond what it refuses has one of the three reasons.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":[{"c":"]}\\"}],"d":"\u00e9"}`, `{"a":1,"a":2}`, `{"a":1}x`, `[1]`, ` {"a" : null }`, "{\"\xff\":0}", `{"a":[ "b" , "\u0063\"]" ],"d":[]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := membersOf(raw)
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(raw, &want)
		if err != nil {
			var r *refusal
			if !errors.As(err, &r) || r.reason != reasonMalformed && r.reason != reasonDuplicate {
				t.Fatalf("error %v", err)
			}
			return
		}
		if wantErr != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", wantErr)
		}
		if len(got) != len(want) {
			t.Fatalf("%d members, want %d", len(got), len(want))
		}
		for name, value := range want {
			if got[name] != string(value) {
				t.Fatalf("%q is %s, want %s", name, got[name], value)
			}
			list, err := stringsOf(got[name], 1000)
			if err != nil {
				continue
			}
			var wantList []string
			if err := json.Unmarshal(value, &wantList); err != nil || !slices.Equal(list, wantList) {
				t.Fatalf("%s read as %q, want %q, %v", value, list, wantList, err)
			}
		}
	})
}
