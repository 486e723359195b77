package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// What cannot be had is refused with an error that says what is wrong, and costs nobody else anything: somebody who reads the same channel is sent
// all of it, once, and stays connected. What is no frame, or too large for one, ends the connection that sent it, and no other.
func TestBadInputDisturbsNobody(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	ann := s.connect("acme", "ann")
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
	ann.expect(`{"type":"ok","id":1}`, `{"type":"snapshot","more":false}`)
	producer := s.connect("acme", "producer")
	n := 0
	undisturbed := func(after string) {
		t.Helper()
		n++
		producer.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"fleet:eu","key":"v","data":%d}`, n, n))
		producer.expect(fmt.Sprintf(`{"type":"ok","id":%d}`, n))
		if f := ann.expect(`{"type":"message","key":"v"}`); string(f.Data) != fmt.Sprint(n) {
			t.Fatalf("after %.100s, who reads has %s, not %d", after, f.Data, n)
		}
	}
	many := strings.TrimSuffix(strings.Repeat(`"k",`, 5001), ",")
	bob := s.connect("acme", "bob", func(c *auth.Claims) { c.Grants.Subscribe = []realtime.Pattern{"fleet:eu"} })
	for frame, says := range map[string]string{
		`{"type":"subscribe","id":7,"channel":"fleet:eu","state":true,"colour":"red"}`:                      `"colour": is no option of a subscription`,
		`{"type":"subscribe","id":7,"channel":"fleet:eu","filter":"tags.a == 'b' &&& tags.c == 'd'"}`:       "filter: line 1, column 17",
		`{"type":"subscribe","id":7,"channel":"fleet:eu","filter":"` + strings.Repeat("a", 3<<10) + `"}`:    "filter: ",
		`{"type":"subscribe","id":7,"channel":"fleet:eu","keys":[` + many + `]}`:                            "keys: ",
		`{"type":"subscribe","id":7,"channel":"fleet:*"}`:                                                   `channel: no grant covers all of "fleet:*"; a token with the subscribe pattern "fleet:*" would`,
		`{"type":"subscribe","id":7,"channel":"fleet:eu","maxRate":0}`:                                      "maxRate: must be 0.05 to 1000",
		`{"type":"subscribe","id":7,"channel":"fleet:eu","maxRate":-1}`:                                     "maxRate: must be 0.05 to 1000",
		`{"type":"subscribe","id":7,"channel":"fleet:eu","maxRate":1e9}`:                                    "maxRate: must be 0.05 to 1000",
		`{"type":"subscribe","id":7,"channel":"fleet:eu","maxRate":"5"}`:                                    "maxRate: must be ",
		`{"type":"subscribe","id":7,"channel":"fleet:eu","state":"yes"}`:                                    "state: must be true or false",
		`{"type":"tune","id":7,"channel":"fleet:eu","maxRate":5}`:                                           `channel: "fleet:eu" is not subscribed`,
		`{"type":"publish","id":7,"channel":"fleet:eu","key":"` + strings.Repeat("k", 2000) + `","data":1}`: "key: ",
		`{"type":"publish","id":7,"channel":"fleet:eu","delete":true}`:                                      "key: ",
		`{"type":"publish","id":7,"channel":"fleet:eu","ttl":"5s","data":1}`:                                "ttl: ",
		`{"type":"publish","id":7,"channel":"fleet:eu","if":"absent","data":1}`:                             "if: ",
		`{"type":"publish","id":7,"channel":"fleet:eu","key":"w","ttl":"soon","data":1}`:                    "ttl: ",
		`{"type":"publish","id":7,"channel":"fleet:eu","key":"w","add":{"n":1},"data":{"n":1}}`:             "add: ",
	} {
		bob.send(frame)
		if f := bob.expect(`{"type":"error","id":7}`); !strings.HasPrefix(f.Message, says) {
			t.Errorf("%.120s: %q, want %q", frame, f.Message, says)
		}
		undisturbed(frame)
	}
	for _, frame := range []string{
		`{"type":"subscribe","id":7,"channel":"fleet:eu","maxRate":NaN}`,
		`{"type":"publish","id":7,"channel":"fleet:eu","key":"` + strings.Repeat("k", 1<<20) + `","data":1}`,
	} {
		eve := s.connect("acme", "eve")
		eve.send(frame)
		for f, err := eve.next(); err == nil; f, err = eve.next() {
			if f.Type != "error" {
				t.Errorf("%.80s is answered %+v", frame, f)
			}
		}
		undisturbed(frame)
	}
}
