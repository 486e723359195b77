package event

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// Each field is an answer to some events, and an error names it everywhere else.
func TestFieldsOfAnswers(t *testing.T) {
	t.Parallel()
	fields := map[string]string{
		"groups": `["a"]`, "grants": `{"subscribe":["a:*"]}`, "filters": `{"a:*":["tags.x == 'y'"]}`, "meta": `{"a":"b"}`,
		"key": `"k"`, "tags": `{"a":"b"}`, "data": `{"a":1}`,
	}
	may := map[realtime.HookEvent]string{
		realtime.HookConnect: "groups grants filters meta", realtime.HookSubscribe: "", realtime.HookPublish: "key tags data", realtime.HookCall: "data",
	}
	for e, names := range may {
		for name, value := range fields {
			_, err := Decode(e, []byte(`{"`+name+`":`+value+`}`))
			if good := strings.Contains(names, name); good != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s in an answer to %s: %v", name, e, err)
			}
		}
		if a, err := Decode(e, []byte(" {}\n")); err != nil || a.Refusal() != nil {
			t.Errorf("%s: %v, %v", e, a, err)
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	for text, field := range map[string]string{
		`{"groups":[""]}`:                          "groups",
		`{"groups":["` + long + `"]}`:              "groups",
		`{"grants":{"subscribe":["a::b"]}}`:        "grants.subscribe",
		`{"grants":{"read":["a"]}}`:                "grants.read",
		`{"filters":{"a::b":["x"]}}`:               "filters",
		`{"filters":{"a":[""]}}`:                   "filters.a",
		`{"filters":{"a":["` + long + `"]}}`:       "filters.a",
		`{"filters":{"a":"x"}}`:                    "filters.a",
		`{"code":"forbidden","retryAfterMs":-1}`:   "retryAfterMs",
		`{"code":"forbidden","message":"a\u0000"}`: "message",
		`{"code":"forbidden","data":1}`:            "data",
		`{"retryAfterMs":5}`:                       "code",
		`{"code":7}`:                               "code",
		`{"Code":"forbidden"}`:                     "Code",
		`true`:                                     "answer",
	} {
		if _, err := Decode(realtime.HookConnect, []byte(text)); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%.40s: %v, want a fault of %s", text, err, field)
		}
	}
	for _, code := range Codes() {
		a, err := Decode(realtime.HookCall, []byte(`{"code":"`+string(code)+`","message":"no","retryAfterMs":1000}`))
		if err != nil || a.Refusal() == nil || a.Refusal().Code != code || a.Refusal().RetryAfter.Seconds() != 1 {
			t.Errorf("%s: %v, %v", code, a, err)
		}
	}
}

// What is decoded is written and decoded as the same, and never has what may not be there.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{`{}`, `{"code":"forbidden","message":"no"}`, `{"groups":["a"],"grants":{"subscribe":["a:**"],"history":[]},"filters":{"a":["x"]},"meta":{"a":"b"}}`, `{"key":"","tags":{},"data":null}`, `null`, ``} {
		for i := range 4 {
			f.Add(uint8(i), []byte(text))
		}
	}
	events := []realtime.HookEvent{realtime.HookConnect, realtime.HookSubscribe, realtime.HookPublish, realtime.HookCall}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		e := events[int(which)%len(events)]
		a, err := Decode(e, body)
		if err != nil {
			if len(err.Error()) > 64*len(body)+200 {
				t.Errorf("an error of %d bytes about %d", len(err.Error()), len(body))
			}
			return
		}
		if refusal := a.Refusal(); refusal != nil && (len(a.members()) > 0 || !refusal.Code.Known()) {
			t.Errorf("%s: a refusal with %v", body, a.members())
		}
		if e == realtime.HookSubscribe && len(a.members()) > 0 {
			t.Errorf("%s: an answer to subscribe with %v", body, a.members())
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(e, text)
		if err != nil {
			if strings.Contains(err.Error(), "64") { // it may be longer when it is written anew
				return
			}
			t.Fatalf("%s became %s: %v", body, text, err)
		}
		if a.Code != again.Code || a.Message != again.Message || !cmp.Equal(a.Groups, again.Groups) && len(a.Groups) > 0 {
			t.Errorf("%s became %s", body, text)
		}
	})
}
