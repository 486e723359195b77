package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// FuzzDecode checks that Decode never panics, that it takes for fatal exactly what is no JSON object,
// that what it accepts means the same when encoded again, and that what it refuses has a code and a usable id.
func FuzzDecode(f *testing.F) {
	for _, frame := range goldenClient {
		f.Add(frame.AppendJSON(nil))
	}
	for _, c := range wrongFrames {
		f.Add([]byte(c.frame))
	}
	for _, c := range wrongSubscriptions {
		f.Add([]byte(`{"type":"connect","subscriptions":` + c.subscriptions + `}`))
	}
	f.Add([]byte(" { \"type\" : \"ping\" , \"id\" : \"\\ud83d\\ude00\" }\n"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		frame, err := wire.Decode(payload)
		if !bytes.Equal(before, payload) {
			t.Fatal("Decode changed its payload")
		}
		object := utf8.Valid(payload) && json.Valid(payload) && bytes.TrimLeft(payload, " \t\r\n")[0] == '{'
		if err != nil {
			checkRefusal(t, err, object)
			return
		}
		if !object {
			t.Fatal("accepted what is no JSON object")
		}
		if frame.Data != nil {
			if !json.Valid(frame.Data) { // a Publisher does not look again
				t.Fatalf("data %q is no JSON", frame.Data)
			}
			if compact, err := wire.Compact(frame.Data); err != nil || !bytes.Equal(compact, frame.Data) {
				t.Fatalf("data %q is not compact: %v", frame.Data, err)
			}
		}
		for _, sub := range frame.Subscriptions {
			if sub.Err == nil {
				continue
			}
			if _, err := wire.DecodeServer(payloadOf(t, wire.Encoder{}.Error("", sub.Channel, sub.Err).Bytes)); err != nil {
				t.Fatalf("the answer to %+v: %v", sub, err)
			}
		}
		frame.Subscriptions = slices.DeleteFunc(frame.Subscriptions, func(s wire.Subscription) bool { return s.Err != nil })
		again, err := wire.Decode(frame.AppendJSON(nil))
		if err != nil {
			t.Fatalf("%q is refused: %v", frame.AppendJSON(nil), err)
		}
		if diff := cmp.Diff(frame, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("encoded and decoded again (-want +got):\n%s", diff)
		}
	})
}

func checkRefusal(t *testing.T, err error, object bool) {
	t.Helper()
	var refused *wire.DecodeError
	if !errors.As(err, &refused) || realtime.CodeOf(err) != realtime.CodeBadRequest || refused.Err.Message == "" {
		t.Fatalf("refused with %#v", err)
	}
	if refused.Fatal == object && !bytes.Contains([]byte(refused.Err.Message), []byte("nested deeper")) {
		t.Fatalf("fatal is %v of a payload that is an object: %v; %v", refused.Fatal, object, err)
	}
	if refused.Fatal && refused.ID != "" {
		t.Fatalf("fatal and with id %s", refused.ID)
	}
	answer, err := wire.DecodeServer(payloadOf(t, wire.Encoder{}.Error(refused.ID, "", refused.Err).Bytes))
	if err != nil || answer.ID != refused.ID || answer.Code != realtime.CodeBadRequest {
		t.Fatalf("its answer reads %+v, %v", answer, err)
	}
}

// FuzzMessage checks that every Publication that any API accepts can be read back from its frame, and
// that any other makes valid JSON at least.
func FuzzMessage(f *testing.F) {
	f.Add("e1", "EURUSD", "region", "eu", []byte(`{"bid":1.08412}`), int64(ms1))
	f.Add("\"\\", "\u2028", "", "\xff", []byte(" [ 1 ,\n\"\\n\" ] "), int64(0))
	f.Fuzz(func(t *testing.T, id, key, tag, value string, data []byte, ms int64) {
		compact, err := wire.Compact(data)
		if valid := json.Valid(data) && utf8.Valid(data); valid != (err == nil) && (!valid || !strings.Contains(err.Error(), "nested deeper")) {
			t.Fatalf("Compact(%q) says %v", data, err)
		}
		if err != nil {
			compact = nil
		}
		p := realtime.Publication{Channel: channel("a:b"), ID: id, Key: key, Tags: map[string]string{tag: value, "second": key}, Data: compact, Time: time.UnixMilli(ms)}
		if p.Check() == nil {
			checkMessage(t, &p)
		} else if payload := payloadOf(t, messageOf(&p).Bytes); !json.Valid(payload) || !utf8.Valid(payload) || bytes.ContainsAny(payload, "\r\n") {
			t.Fatalf("%q is not a line of JSON", payload)
		}
	})
}
