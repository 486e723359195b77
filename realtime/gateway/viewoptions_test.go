package gateway_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// A filter of its own does not tell a client what is in a member of data that it is not shown.
func TestFilterOfAHiddenColumn(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful(func(n *realtime.Namespace) { n.Filterable = []string{"data.bid", "data.cost"} }))
	ann := s.connect("acme", "ann", func(c *auth.Claims) {
		c.Views.Columns = map[realtime.Pattern][]string{"fleet:**": {"bid"}}
	})
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","filter":"data.bid > 1"}`)
	ann.expect(`{"type":"ok","id":1}`)
	ann.send(`{"type":"tune","id":2,"channel":"fleet:eu","filter":"data.cost > 1"}`)
	if f := ann.expect(`{"type":"error","id":2,"code":"bad-request"}`); f.Message != `filter: line 1, column 1: unknown field "data.cost"; filterable are data.bid` {
		t.Error(f.Message)
	}
}

// A stream is not opened without what was asked for.
func TestRefusedOptionsOfAStream(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	for query, says := range map[string]string{
		"filtr=key=='a'":           `\"filtr\": is no option of a stream of events`,
		"filter=tag=='a'":          "filter: line 1, column 1",
		"filter=true&filter=false": "filter: must be there once",
		"maxRate=NaN":              "maxRate: must be",
		"state=perhaps":            "state: must be true or false",
		"paused=true":              "paused: is no option of a stream of events",
	} {
		resp := s.get("/v1/events?channel=fleet:eu&"+query, http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
		body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), says) {
			t.Errorf("%s is answered %d: %s", query, resp.StatusCode, body)
		}
	}
}

func TestRefusedOptions(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	ann := s.connect("acme", "ann")
	for frame, says := range map[string]string{
		`"filter":"tags.desk = 'a'"`: "filter: line 1, column 11",
		`"filter":"tag.desk == 'a'"`: "filter: line 1, column 1",
		`"filter":"data.bid > 1"`:    "filter: line 1",
		`"state":true`:               `state: the namespace of "prices:fx" keeps none`,
		`"keys":["a*b"]`:             `keys: "*" may stand at the end only`,
		`"maxRate":0`:                "maxRate: must be 0.05 to 1000",
		`"rewind":0`:                 "rewind: must be a number from 1 to 100000",
		`"rewind":-3`:                "rewind: must be 1 to 100000, got -3",
		`"rewind":"yesterday"`:       "rewind: must be a number from 1 to 100000, or a duration such as 5m",
		`"rewind":"50"`:              "rewind: must be a number, or a duration",
		`"rewind":1.5`:               "rewind: must be a number from 1",
	} {
		ann.send(`{"type":"subscribe","id":1,"channel":"prices:fx",` + frame + `}`)
		if f := ann.expect(`{"type":"error","code":"bad-request"}`); len(f.Message) < len(says) || f.Message[:len(says)] != says {
			t.Errorf("%s: %q", frame, f.Message)
		}
	}
}

// Streams of events have the same options, in their query.
func TestEventsHaveOptions(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob := s.connect("acme", "bob")
	for i, desk := range []string{"a", "b"} {
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu","key":"v` + itoa(i) + `","tags":{"desk":"` + desk + `"},"data":{"lat":1,"lon":2}}`)
		bob.expect(`{"type":"ok"}`)
	}
	query := url.Values{"channel": {"fleet:eu"}, "state": {"true"}, "filter": {"tags.desk == 'b'"}, "fields": {"lat"}}
	resp := s.get("/v1/events?"+query.Encode(), http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(resp.Body)
		t.Fatalf("%s %s %v", resp.Status, body, err)
	}
	p := readPage(t, resp)
	defer p.leave()
	p.next() // how long to wait before a reconnect
	p.expect("welcome", `{"type":"welcome"}`)
	p.expect("ok", `{"type":"ok"}`)
	if f := p.expect("snapshot", `{"type":"snapshot","more":false}`).frame; len(f.Entries) != 1 || string(f.Entries[0].Data) != `{"lat":1}` {
		t.Fatalf("%+v", f.Entries)
	}
	bob.send(`{"type":"publish","id":1,"channel":"fleet:eu","key":"v01","tags":{"desk":"a"},"data":{"lat":3}}`)
	if e := p.expect("", `{"type":"message","key":"v01"}`); !e.frame.Left.Sight {
		t.Errorf("%+v", e.frame)
	}
	for query, says := range map[string]string{"state=maybe": "state: must be true or false", "maxRate=1e9": "maxRate: must be", "filter=x": "filter: ", "paused=true": "paused: is no option"} {
		resp := s.get("/v1/events?channel=fleet:eu&"+query, http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), says) {
			t.Errorf("%s: %s %s %v", query, resp.Status, body, err)
		}
		_ = resp.Body.Close()
	}
}
