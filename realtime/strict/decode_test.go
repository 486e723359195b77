package strict

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

type sample struct {
	Name string            `json:"name"`
	On   bool              `json:"on"`
	Wait realtime.Duration `json:"wait"`
	Tags map[string]string `json:"tags"`
	Any  json.RawMessage   `json:"any"`
	List []realtime.Key    `json:"list"`
	Own  string            `json:"-"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       sample
		faults     []string
	}{
		{name: "everything", text: ` {"name":"a","on":true,"wait":"2s","tags":{"x":"y"},"any":{"z":[1]},"list":[{"kid":"k"}]}`,
			want: sample{Name: "a", On: true, Wait: 2e9, Tags: map[string]string{"x": "y"}, Any: json.RawMessage(`{"z":[1]}`), List: []realtime.Key{{KID: "k"}}}},
		{name: "null is nothing", text: `{"name":null,"tags":null,"list":null}`},
		{name: "an empty map is one", text: `{"tags":{}}`, want: sample{Tags: map[string]string{}}},
		{name: "the whole", text: `[]`, faults: []string{"body: must be an object"}},
		{name: "no text", text: ``, faults: []string{"line 1: EOF"}},
		{name: "no UTF-8", text: "{\"name\":\"\xff\"}", faults: []string{"body: is not UTF-8"}},
		{name: "another case", text: `{"Name":"a"}`, faults: []string{"Name: unknown field"}},
		{name: "hidden", text: `{"Own":"a","-":"a","":1}`, faults: []string{"Own: unknown field", "-: unknown field", "body: unknown field"}},
		{name: "twice", text: `{"name":"a","name":"b"}`, want: sample{Name: "a"}, faults: []string{"name: appears twice"}},
		{name: "all faults", text: `{"on":"yes","list":[{"secret":1},{"sekret":"x"}],"tags":{"x":1},"wait":5}`,
			want: sample{List: []realtime.Key{{}, {}}, Tags: map[string]string{"x": ""}},
			faults: []string{"on: must be true or false, got a string", "list[0].secret: must be a string, got 1", "list[1].sekret: unknown field",
				"tags.x: must be a string, got 1", "wait: must be a duration such as"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got sample
			err := Decode("body", []byte(c.text), &got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
				if realtime.CodeOf(err) != realtime.CodeBadRequest {
					t.Errorf("code %s", realtime.CodeOf(err))
				}
			}
			if len(lines) != len(c.faults) {
				t.Fatalf("faults are %q, want %q", lines, c.faults)
			}
			for i, want := range c.faults {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("fault %d is %q, want %q", i, lines[i], want)
				}
			}
		})
	}
}
