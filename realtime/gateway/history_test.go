package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/wire"
)

// publishes publishes numbered events to a channel that the peer reads, with a desk each, and waits until the gateway has them.
func publishes(t *testing.T, p *peer, channel string, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		p.send(fmt.Sprintf(`{"type":"publish","id":1,"channel":%q,"tags":{"desk":%q},"data":{"n":%d,"secret":"s"}}`, channel, []string{"a", "b"}[i%2], i))
		p.take(2)
	}
}

// numbersOf are the numbers of events in messages.
func numbersOf(frames []wire.ServerFrame) string {
	var all []string
	for _, f := range frames {
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(string(f.Data), `{"n":`), `}`))
	}
	return strings.Join(all, " ")
}

// messages takes n frames, in order.
func messages(t *testing.T, p *peer, n int) (all []wire.ServerFrame) {
	t.Helper()
	for range n {
		f, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func historian(p *realtime.Tenant) *realtime.Tenant {
	p.Namespaces["news"] = realtime.Namespace{Columns: []string{"n"}, History: &realtime.History{Count: 5000, For: realtime.Duration(5 * time.Minute)}}
	return p
}

// A subscription begins with what was before, as it was asked for, filtered and projected as its view is, and goes on with what is new.
func TestRewind(t *testing.T) {
	t.Parallel()
	s := startViews(t, historian(stateful()))
	bob := s.connect("acme", "bob")
	bob.send(`{"type":"subscribe","id":1,"channel":"news:eu"}`)
	bob.expect(`{"type":"ok"}`)
	publishes(t, bob, "news:eu", 1, 9)
	ann := s.connect("acme", "ann", sees("news:**", "tags.desk == 'b'"))
	ann.send(`{"type":"subscribe","id":1,"channel":"news:eu","rewind":3}`)
	ok := ann.expect(`{"type":"ok","id":1,"resumed":false,"gap":false,"rewound":3}`)
	if got := numbersOf(messages(t, ann, 3)); got != "5 7 9" {
		t.Errorf("rewound to %s", got)
	}
	publishes(t, bob, "news:eu", 10, 11)
	ann.expect(`{"type":"message","data":{"n":11}}`)
	ann.send(`{"type":"unsubscribe","id":2,"channel":"news:eu"}`)
	ann.expect(`{"type":"ok","id":2}`)
	// Who can be resumed is, and not rewound.
	ann.send(`{"type":"subscribe","id":3,"channel":"news:eu","rewind":"5m","since":"` + ok.Position + `"}`)
	if f := ann.expect(`{"type":"ok","id":3,"resumed":true}`); f.Rewound != 0 || f.Complete {
		t.Errorf("rewound beside resumed: %+v", f)
	}
	if got := numbersOf(messages(t, ann, 4)); got != "5 7 9 11" {
		t.Errorf("resumed with %s", got)
	}
	ann.send(`{"type":"unsubscribe","id":4,"channel":"news:eu"}`)
	ann.expect(`{"type":"ok","id":4}`)
	ann.send(`{"type":"subscribe","id":5,"channel":"news:eu","rewind":100,"since":"what is this"}`)
	if f := ann.expect(`{"type":"ok","id":5,"gap":true,"rewound":6}`); f.Complete {
		t.Errorf("complete, though there may have been more: %+v", f)
	}
	messages(t, ann, 6)
	for name, frame := range map[string]string{
		"state":   `{"type":"subscribe","id":9,"channel":"fleet:eu","state":true,"rewind":5}`,
		"pattern": `{"type":"subscribe","id":9,"channel":"news:*","rewind":5}`,
		"tune":    `{"type":"tune","id":9,"channel":"news:eu","rewind":5}`,
	} {
		ann.send(frame)
		if f := ann.expect(`{"type":"error","id":9,"code":"bad-request"}`); !strings.HasPrefix(f.Message, "rewind: ") {
			t.Errorf("%s: %s", name, f.Message)
		}
	}
	eve := s.connect("acme", "eve", func(c *auth.Claims) { c.Grants.History = []realtime.Pattern{} })
	eve.send(`{"type":"subscribe","id":1,"channel":"news:eu","rewind":5}`)
	eve.expect(`{"type":"error","id":1,"code":"forbidden"}`)
	eve.send(`{"type":"history","id":2,"channel":"news:eu"}`)
	eve.expect(`{"type":"error","id":2,"code":"forbidden"}`)
	eve.send(`{"type":"subscribe","id":3,"channel":"news:eu"}`)
	eve.expect(`{"type":"ok","id":3}`)
}

// A query gives what was before in pages, by the view of now.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := startViews(t, historian(stateful()))
	bob := s.connect("acme", "bob")
	bob.send(`{"type":"subscribe","id":1,"channel":"news:eu"}`)
	bob.expect(`{"type":"ok"}`)
	publishes(t, bob, "news:eu", 1, 12)
	ann := s.connect("acme", "ann", sees("news:**", "tags.desk == 'b'"))
	before, got := "", []string{}
	for page := 1; ; page++ {
		bound := ""
		if before != "" {
			bound = `,"before":"` + before + `"`
		}
		ann.send(fmt.Sprintf(`{"type":"history","id":%d,"channel":"news:eu","limit":2%s}`, page, bound))
		f := ann.expect(fmt.Sprintf(`{"type":"ok","id":%d}`, page))
		got = append([]string{numbersOf(f.Messages)}, got...)
		if !f.More {
			if f.Complete || f.Hint != wire.HintHTTP {
				t.Errorf("the last page: %+v", f)
			}
			break
		}
		if !f.Complete || f.Hint != "" {
			t.Errorf("page %d: %+v", page, f)
		}
		before = f.Messages[0].Position
	}
	if all := strings.TrimSpace(strings.Join(got, " ")); all != "1 3 5 7 9 11" {
		t.Errorf("the pages have %s", all)
	}
	ann.send(`{"type":"history","id":"f","channel":"news:eu","after":"` + before + `","filter":"key == ''","fields":["secret"]}`)
	if f := ann.expect(`{"type":"ok","id":"f","more":false,"complete":true}`); len(f.Messages) != 3 || string(f.Messages[0].Data) != "{}" {
		t.Errorf("%d messages, the first has %s", len(f.Messages), f.Messages[0].Data)
	}
	for frame, says := range map[string]string{
		`"limit":0`:                    "limit: must be 1 to 1000, got 0",
		`"limit":1001`:                 "limit: must be 1 to 1000, got 1001",
		`"before":"x"`:                 "before: must be a position",
		`"before":""`:                  "before: must be a position",
		`"after":""`:                   "after: must be a position",
		`"after":"1-a","from":5`:       "from: must be left out",
		`"from":5,"to":4`:              "to: must be later than from",
		`"since":"1-a"`:                "since: is no option of history",
		`"rewind":5`:                   "rewind: is no option of history",
		`"sine":5`:                     `"sine": is no option of history`,
		`"filter":"tags.desk = 'a'"`:   "filter: line 1, column 11",
		`"after":"1-a","before":"2-b"`: "before: must be left out",
	} {
		ann.send(`{"type":"history","id":1,"channel":"news:eu",` + frame + `}`)
		if f := ann.expect(`{"type":"error","id":1,"code":"bad-request"}`); !strings.HasPrefix(f.Message, says) {
			t.Errorf("%s: %q", frame, f.Message)
		}
	}
}

// A page is at most so large, however many messages are asked for.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s := startViews(t, historian(stateful()))
	bob := s.connect("acme", "bob")
	bob.send(`{"type":"subscribe","id":1,"channel":"plain:eu"}`)
	bob.expect(`{"type":"ok"}`)
	for range 20 {
		bob.send(`{"type":"publish","id":1,"channel":"plain:eu","data":"` + strings.Repeat("x", 9000) + `"}`)
		bob.take(2)
	}
	bob.send(`{"type":"history","id":2,"channel":"plain:eu","limit":1000}`)
	if f := bob.expect(`{"type":"ok","id":2,"more":true,"complete":true}`); len(f.Messages) != 6 {
		t.Errorf("%d messages of 9 kB in a page", len(f.Messages))
	}
}

func TestRewindOfAStream(t *testing.T) {
	t.Parallel()
	s := startViews(t, historian(stateful()))
	bob := s.connect("acme", "bob")
	bob.send(`{"type":"subscribe","id":1,"channel":"news:eu"}`)
	bob.expect(`{"type":"ok"}`)
	publishes(t, bob, "news:eu", 1, 4)
	resp := s.get("/v1/events?channel=news:eu&rewind=2", http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
	text := ""
	for buf := make([]byte, 4096); !strings.Contains(text, `{"n":4}`); {
		n, err := resp.Body.Read(buf)
		if err != nil {
			t.Fatal(err, text)
		}
		text += string(buf[:n])
	}
	if strings.Contains(text, `{"n":2}`) || !strings.Contains(text, `{"n":3}`) || !strings.Contains(text, `"rewound":2,"complete":`) {
		t.Errorf("the stream has %s", text)
	}
	_ = resp.Body.Close()
	resp = s.get("/v1/events?channel=news:eu&rewind=soon", http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a rewind that is none is answered %d", resp.StatusCode)
	}
	_ = resp.Body.Close()
}
