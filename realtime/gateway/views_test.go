package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/wire"
)

// stateful is a tenant whose namespace fleet keeps state for as long as a test takes.
func stateful(change ...func(*realtime.Namespace)) *realtime.Tenant {
	t, durable := tenant("acme"), false
	n := realtime.Namespace{State: &realtime.State{Durable: &durable}}
	for _, f := range change {
		f(&n)
	}
	t.Namespaces = map[string]realtime.Namespace{"fleet": n}
	t.Limits.PublishesPerSecond, t.Limits.FramesPerSecond, t.Limits.SubscribesPerSecond = 10_000, 10_000, 10_000
	return t
}

func startViews(t *testing.T, docs ...*realtime.Tenant) *service {
	t.Helper()
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, gateway.Options{Filters: filters}, docs...)
}

// sees is what a token's filters say.
func sees(pattern, filter string) func(*auth.Claims) {
	return func(c *auth.Claims) {
		c.Views.Filters = map[realtime.Pattern][]string{realtime.Pattern(pattern): {filter}}
	}
}

func TestFilterOfASubscription(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob := s.connect("acme", "bob")
	ann := s.connect("acme", "ann", sees("prices:**", "tags.desk == '{user}' || tags.desk == 'all'"))
	ann.send(`{"type":"subscribe","id":1,"channel":"prices:fx","filter":"key.startsWith('E')","fields":["bid"]}`)
	ann.expect(`{"type":"ok","id":1}`)
	for i, event := range []string{
		`"key":"EURUSD","tags":{"desk":"ann"},"data":{"bid":1,"secret":2}`,
		`"key":"EURGBP","tags":{"desk":"bob"},"data":{"bid":2}`,
		`"key":"GBPUSD","tags":{"desk":"ann"},"data":{"bid":3}`,
		`"key":"EURJPY","tags":{"desk":"all"},"data":4`,
	} {
		bob.send(`{"type":"publish","id":` + string(rune('1'+i)) + `,"channel":"prices:fx",` + event + `}`)
		bob.expect(`{"type":"ok"}`)
	}
	if f := ann.expect(`{"type":"message","key":"EURUSD"}`); string(f.Data) != `{"bid":1}` {
		t.Errorf("shown %s", f.Data)
	}
	if f := ann.expect(`{"type":"message","key":"EURJPY"}`); string(f.Data) != `null` {
		t.Errorf("shown %s", f.Data)
	}
	ann.send(`{"type":"tune","id":2,"channel":"prices:fx","filter":"key == 'GBPUSD'"}`)
	ann.expect(`{"type":"ok","id":2,"filter":"key == 'GBPUSD'"}`)
	bob.send(`{"type":"publish","id":9,"channel":"prices:fx","key":"GBPUSD","tags":{"desk":"ann"},"data":{"bid":5}}`)
	ann.expect(`{"type":"message","key":"GBPUSD"}`)
}

// What a tenant enforces can be about the viewer.
func TestEnforcedTemplates(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful(func(n *realtime.Namespace) { n.Enforce = "tags.desk in ['{user}', '{group}']" }))
	bob := s.connect("acme", "bob")
	ann := s.connect("acme", "ann", func(c *auth.Claims) { c.Groups = []string{"spot", "fx"} })
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu"}`)
	ann.expect(`{"type":"ok","id":1}`)
	for _, desk := range []string{"{user}", "bob", "ann", "{group}", "other", "fx"} {
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu","key":"k","tags":{"desk":"` + desk + `"},"data":"` + desk + `"}`)
		bob.expect(`{"type":"ok"}`)
	}
	ann.expect(`{"type":"message","data":"ann"}`, `{"type":"message","data":"fx"}`)
}

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

// message takes a frame of the channel and returns what it says of the key.
func TestState(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob, ann := s.connect("acme", "bob"), s.connect("acme", "ann")
	bob.send(`{"type":"subscribe","id":1,"channel":"fleet:eu"}`)
	bob.expect(`{"type":"ok"}`)
	publish := func(rest string) {
		t.Helper()
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu",` + rest + `}`)
		bob.take(2) // its ok, and the message: the gateway has it
	}
	publish(`"key":"v1","data":1`)
	publish(`"key":"v2","data":2`)
	publish(`"key":"v1","data":3`)
	publish(`"data":"an event"`)
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
	ann.expect(`{"type":"ok","id":1,"resumed":false,"gap":false}`)
	f := ann.expect(`{"type":"snapshot","more":false}`)
	if len(f.Entries) != 2 || f.Entries[0].Key != "v1" || string(f.Entries[0].Data) != "3" || f.Entries[1].Key != "v2" {
		t.Fatalf("snapshot %+v", f.Entries)
	}
	publish(`"key":"v3","data":4`)
	publish(`"key":"v2","delete":true`)
	publish(`"data":"another"`)
	ann.expect(`{"type":"message","key":"v3"}`, `{"type":"message","key":"v2","deleted":true}`)
	at := ann.expect(`{"type":"message","data":"another"}`).Position

	// What has changed while it was away, and no more.
	ann.send(`{"type":"unsubscribe","id":2,"channel":"fleet:eu"}`)
	ann.expect(`{"type":"ok","id":2}`)
	publish(`"key":"v3","delete":true`)
	publish(`"key":"v4","data":5`)
	publish(`"key":"v4","data":6`)
	ann.send(`{"type":"subscribe","id":3,"channel":"fleet:eu","state":true,"since":"` + at + `"}`)
	ann.expect(`{"type":"ok","id":3,"resumed":true,"gap":false}`, `{"type":"message","key":"v3","deleted":true}`)
	if f := ann.expect(`{"type":"message","key":"v4"}`); string(f.Data) != "6" {
		t.Errorf("resumed with %s", f.Data)
	}

	// A Position of which nothing is known.
	ann.send(`{"type":"unsubscribe","id":4,"channel":"fleet:eu"}`)
	ann.expect(`{"type":"ok","id":4}`)
	ann.send(`{"type":"subscribe","id":5,"channel":"fleet:eu","state":true,"since":"12-x"}`)
	ann.expect(`{"type":"ok","id":5,"resumed":false,"gap":false,"reset":true}`)
	if f := ann.expect(`{"type":"snapshot","more":false,"reset":true}`); len(f.Entries) != 2 {
		t.Errorf("reset with %+v", f.Entries)
	}
	publish(`"key":"v5","data":7,"ttl":"1s"`)
	ann.expect(`{"type":"message","key":"v5"}`, `{"type":"message","key":"v5","deleted":true,"expired":true}`)
}

// Rows that a filter does not show any more leave, by a change of the row, of the filter, and of the token.
func TestRowsLeave(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob := s.connect("acme", "bob")
	publish := func(rest string) {
		t.Helper()
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu",` + rest + `}`)
		bob.expect(`{"type":"ok"}`)
	}
	publish(`"key":"v1","tags":{"desk":"a"},"data":1`)
	publish(`"key":"v2","tags":{"desk":"b"},"data":2`)
	ann := s.connect("acme", "ann", sees("fleet:**", "tags.desk == 'a'"))
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
	ann.expect(`{"type":"ok","id":1}`)
	if f := ann.expect(`{"type":"snapshot","more":false}`); len(f.Entries) != 1 || f.Entries[0].Key != "v1" {
		t.Fatalf("snapshot %+v", f.Entries)
	}
	publish(`"key":"v1","tags":{"desk":"b"},"data":"not for a"`)
	if f := ann.expect(`{"type":"message","key":"v1"}`); !f.Left.Sight || f.Data != nil || f.Tags != nil {
		t.Fatalf("%+v", f)
	}
	publish(`"key":"v1","delete":true`)
	publish(`"key":"v3","tags":{"desk":"a"},"data":3`)
	ann.expect(`{"type":"message","key":"v3"}`)
	view := func() string {
		t.Helper()
		return ann.expect(`{"type":"notice","code":"view","channel":"fleet:eu"}`).View
	}
	ann.send(`{"type":"refresh","id":2,"token":"` + s.token("acme", "ann", sees("fleet:**", "tags.desk == 'b'")) + `"}`)
	between := view()
	if f := ann.expect(`{"type":"message","key":"v2"}`); string(f.Data) != "2" {
		t.Fatalf("%+v", f)
	}
	if f := ann.expect(`{"type":"message","key":"v3"}`); !f.Left.Sight {
		t.Fatalf("%+v", f)
	}
	if now := view(); between != "-" || now == "-" || now == "" {
		t.Errorf("is told that its view is %q, and then %q", between, now)
	}
	ann.expect(`{"type":"ok","id":2}`)
	ann.send(`{"type":"tune","id":3,"channel":"fleet:eu","filter":"key != 'v2'"}`)
	view()
	if f := ann.expect(`{"type":"message","key":"v2"}`); !f.Left.Sight {
		t.Fatalf("%+v", f)
	}
	view()
	ann.expect(`{"type":"ok","id":3}`)
	bad := s.token("acme", "ann", sees("fleet:**", "tags.desk = "))
	ann.send(`{"type":"refresh","id":4,"token":"` + bad + `"}`)
	ann.expect(`{"type":"error","code":"forbidden","channel":"fleet:eu"}`, `{"type":"ok","id":4}`)
}

// A rate thins what comes, keeps the newest of each key, and the last of all always comes.
func TestMaxRate(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful(func(n *realtime.Namespace) { n.Rate = &realtime.Rate{Max: 5} }))
	bob, ann := s.connect("acme", "bob"), s.connect("acme", "ann")
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","maxRate":100}`, `{"type":"subscribe","id":2,"channel":"prices:fx","maxRate":4}`)
	ann.expect(`{"type":"ok","id":1,"maxRate":5}`, `{"type":"ok","id":2,"maxRate":4}`)
	began := time.Now()
	for i := range 50 {
		for _, c := range []string{"fleet:eu", "prices:fx"} {
			bob.send(`{"type":"publish","id":1,"channel":"` + c + `","key":"k` + string(rune('0'+i%2)) + `","data":"` + itoa(i) + `"}`)
			bob.expect(`{"type":"ok"}`)
		}
	}
	last, n := map[string]string{}, 0
	for last["fleet:euk1"] != `"49"` || last["prices:fxk1"] != `"49"` || last["fleet:euk0"] != `"48"` || last["prices:fxk0"] != `"48"` {
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		last[f.Channel+f.Key] = string(f.Data)
		n++
	}
	// A flush brings the newest of the two keys; there is one at once and then one for each fifth and quarter of a second, however
	// long a busy machine takes over the publishes.
	if most := 2 * (2 + int(time.Since(began).Seconds()*(5+4)) + 2); n > most {
		t.Errorf("%d of 100 messages came, want at most %d", n, most)
	}
	ann.send(`{"type":"tune","id":3,"channel":"prices:fx","paused":true}`)
	ann.expect(`{"type":"ok","id":3,"paused":true}`)
	bob.send(`{"type":"publish","id":1,"channel":"prices:fx","key":"k","data":1}`, `{"type":"publish","id":1,"channel":"prices:fx","key":"k","data":2}`)
	bob.expect(`{"type":"ok"}`, `{"type":"ok"}`)
	ann.send(`{"type":"tune","id":4,"channel":"prices:fx","paused":false,"maxRate":0}`)
	if f := ann.expect(`{"type":"message","key":"k"}`); string(f.Data) != "2" {
		t.Errorf("%s after the pause", f.Data)
	}
	ann.expect(`{"type":"ok","id":4}`)
}

func itoa(i int) string { return string(rune('0'+i/10)) + string(rune('0'+i%10)) }

// A namespace may say whose name the keys are, and how many there may be.
func TestKeysAreAssigned(t *testing.T) {
	t.Parallel()
	doc := stateful(func(n *realtime.Namespace) { n.State.Keys = 3 })
	durable := false
	doc.Namespaces["here"] = realtime.Namespace{State: &realtime.State{Durable: &durable, Assign: realtime.AssignConnection}}
	doc.Namespaces["seat"] = realtime.Namespace{State: &realtime.State{Durable: &durable, Assign: realtime.AssignUser}}
	s := startViews(t, doc)
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	ann.send(`{"type":"subscribe","id":1,"channel":"here:1","state":true}`, `{"type":"subscribe","id":2,"channel":"seat:1","state":true}`)
	ann.take(4)
	bob.send(`{"type":"publish","id":1,"channel":"seat:1","key":"ann","data":1}`)
	bob.expect(`{"type":"ok"}`)
	ann.expect(`{"type":"message","channel":"seat:1","key":"bob"}`)
	bob.send(`{"type":"publish","id":2,"channel":"here:1","data":1}`)
	bob.expect(`{"type":"ok"}`)
	key := ann.expect(`{"type":"message","channel":"here:1"}`).Key
	if err := bob.ws.Close(); err != nil {
		t.Fatal(err)
	}
	ann.expect(`{"type":"message","channel":"here:1","key":"` + key + `","deleted":true}`)

	ann.send(`{"type":"subscribe","id":3,"channel":"fleet:eu","state":true}`)
	ann.expect(`{"type":"ok","id":3}`, `{"type":"snapshot"}`)
	for i := range 3 {
		ann.send(`{"type":"publish","id":4,"channel":"fleet:eu","key":"v` + itoa(i) + `","data":1}`)
		ann.take(2) // its ok, and the message
	}
	ann.send(`{"type":"publish","id":5,"channel":"fleet:eu","key":"v","data":1}`)
	ann.expect(`{"type":"error","id":5,"code":"limited","limit":"state.keys"}`)
	ann.send(`{"type":"publish","id":6,"channel":"fleet:eu","key":"v00","data":2}`)
	ann.take(2)
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

// A pattern reads all channels that it selects, those that begin later as well, and goes on where its client stands.
func TestPatterns(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob := s.connect("acme", "bob")
	n := 0
	publish := func(channel string) string {
		t.Helper()
		n++
		bob.send(`{"type":"publish","id":1,"event":"e` + itoa(n) + `","channel":"` + channel + `","data":1}`)
		return bob.expect(`{"type":"ok"}`).Event
	}
	grants := func(patterns ...realtime.Pattern) func(*auth.Claims) {
		return func(c *auth.Claims) { c.Grants = realtime.Grants{Subscribe: patterns} }
	}
	publish("prices:fx")
	ann := s.connect("acme", "ann", grants("prices:**"))
	ann.send(`{"type":"subscribe","id":1,"channel":"**"}`)
	ann.expect(`{"type":"error","id":1,"code":"forbidden","channel":"**"}`)
	ann.send(`{"type":"subscribe","id":2,"channel":"prices:**:a"}`)
	ann.expect(`{"type":"error","id":2,"code":"bad-request"}`)
	ann.send(`{"type":"subscribe","id":3,"channel":"prices:*","sub":"p"}`, `{"type":"subscribe","id":4,"channel":"prices:fx","sub":"x","fields":["a"]}`)
	ann.expect(`{"type":"ok","id":3,"channel":"prices:*","pattern":true,"sub":"p"}`)
	for f := ann.expect(`{"channel":"prices:fx"}`); f.Type != "ok"; f = ann.expect(`{"channel":"prices:fx"}`) { // what was published a moment before may come
		if f.Type != "message" || f.Sub != "p" {
			t.Errorf("%+v", f)
		}
	}
	publish("prices:eq")
	at := ann.expect(`{"type":"message","channel":"prices:eq","sub":"p"}`).Position
	publish("prices:eq:deep")
	publish("other:fx")
	publish("prices:fx")
	both := map[string]string{}
	for range 2 {
		f := ann.expect(`{"type":"message","channel":"prices:fx"}`)
		both[f.Sub] = string(f.Data)
	}
	if both["p"] != "1" || both["x"] != "null" {
		t.Errorf("the two subscriptions were given %v", both)
	}
	ann.send(`{"type":"unsubscribe","id":5,"channel":"prices:*","sub":"p"}`)
	ann.expect(`{"type":"ok","id":5,"channel":"prices:*"}`)
	missed := publish("prices:eq")
	publish("prices:fx")
	ann.expect(`{"type":"message","channel":"prices:fx","sub":"x"}`)
	ann.send(`{"type":"subscribe","id":6,"channel":"prices:**","since":{"prices:eq":"` + at + `"}}`)
	ann.expect(`{"type":"ok","id":6,"channel":"prices:**","pattern":true}`, `{"type":"ok","channel":"prices:eq","resumed":true}`)
	if f := ann.expect(`{"type":"message","channel":"prices:eq"}`); !strings.HasSuffix(f.Position, missed) {
		t.Errorf("resumed with %s, want %s", f.Position, missed)
	}
	ann.send(`{"type":"refresh","id":8,"token":"` + s.token("acme", "ann", grants("prices:fx")) + `"}`)
	f := ann.expect(`{}`)
	for ; f.Type != "error"; f = ann.expect(`{}`) { // the same
		if f.Type != "message" || f.Channel != "prices:eq:deep" {
			t.Errorf("%+v", f)
		}
	}
	if f.Code != realtime.CodeForbidden || f.Channel != "prices:**" {
		t.Errorf("%+v", f)
	}
	ann.expect(`{"type":"ok","id":8}`)
	publish("prices:eq")
	publish("prices:fx")
	ann.expect(`{"type":"message","channel":"prices:fx","sub":"x"}`)
}

// A state that a store keeps is known to whoever follows the topic anew, whether the checkpoint is read before the stream begins or after.
func TestDurableStateOutlivesItsReaders(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{}}}
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	broker, states := memory.NewBroker(memory.BrokerOptions{}), memory.NewStates()
	s := start(t, gateway.Options{Broker: lateBroker{broker}, States: states, Filters: filters, Pace: hub.Pace{Linger: time.Nanosecond}}, doc)
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	k := keeper.New(keeper.Options{Broker: broker, Reader: broker, States: states, Tenants: s.tenants})
	bob := s.connect("acme", "bob")
	for i := range 3 {
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu","key":"v` + itoa(i) + `","data":1}`)
		bob.expect(`{"type":"ok"}`)
	}
	for i := range 5 { // each time nobody is left, and the topic is let go
		if _, err := k.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = bob.ws.Close()
		for s.counts.of(realtime.CountDisconnects, realtime.ReasonClient) <= i {
			time.Sleep(time.Millisecond)
		}
		bob = s.connect("acme", "bob")
		bob.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
		bob.expect(`{"type":"ok","id":1}`)
		if f := bob.expect(`{"type":"snapshot","more":false}`); len(f.Entries) != 3 {
			t.Fatalf("%d entries", len(f.Entries))
		}
	}
}

// lateBroker takes its time to open a stream.
type lateBroker struct{ *memory.Broker }

func (b lateBroker) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	time.Sleep(20 * time.Millisecond)
	return b.Broker.Follow(ctx, topic, f)
}

// What a paused reader has not been given, no heartbeat vouches for: who resumes with its asOf is told gap once it is gone.
func TestHeartbeatsVouchForNothingHeldBack(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Namespaces = map[string]realtime.Namespace{"prices": {Window: 3}}
	s := start(t, gateway.Options{Pace: hub.Pace{Heartbeat: 200 * time.Millisecond, Margin: time.Millisecond, Pulse: 100 * time.Millisecond, Skew: time.Millisecond}}, doc)
	bob, ann := s.connect("acme", "bob"), s.connect("acme", "ann")
	ann.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)
	ann.expect(`{"type":"ok","id":1}`)
	publish := func(i int) {
		bob.send(`{"type":"publish","id":1,"channel":"prices:fx","key":"k` + itoa(i) + `","data":1}`)
		bob.expect(`{"type":"ok"}`)
	}
	publish(0)
	at := ann.expect(`{"type":"message","key":"k00"}`).Position
	ann.send(`{"type":"tune","id":2,"channel":"prices:fx","paused":true}`)
	ann.expect(`{"type":"ok","id":2}`)
	for i := range 10 {
		publish(i + 1)
	}
	var asOf int64
	for n := 0; n < 15; n++ { // sweeps vouch once a second
		_, payload, err := ann.ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if f, err := wire.DecodeServer(payload); err == nil && f.AsOf > 0 {
			asOf = f.AsOf
		}
	}
	again := s.connect("acme", "ann")
	again.send(`{"type":"subscribe","id":3,"channel":"prices:fx","since":"` + at + `","asOf":` + strconv.FormatInt(asOf, 10) + `}`)
	again.expect(`{"type":"ok","id":3,"resumed":false,"gap":true}`)
}

// A connection that says how much it takes is given no more: of state the newest, in turns with its other subscriptions, and of a stream all, later.
func TestMaxBytesPerSecond(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	ann.send(`{"type":"tune","id":1,"maxBytesPerSecond":20000}`, `{"type":"subscribe","id":2,"channel":"fleet:eu","state":true}`, `{"type":"subscribe","id":3,"channel":"news:a"}`)
	ann.expect(`{"type":"ok","id":1,"maxBytesPerSecond":20000}`)
	for id, frame := range map[string]string{"4": `"maxBytesPerSecond":0`, "5": `"maxBytesPerSecond":"7000"`, "6": `"maxBytesPerSecond":1e12`, "7": `"maxBytesPerSecond":7000,"paused":true`, "8": `"channel":"news:a","maxBytesPerSecond":7000`} {
		bob.send(`{"type":"tune","id":` + id + `,` + frame + `}`)
		if e := bob.expect(`{"type":"error","id":` + id + `,"code":"bad-request"}`); !strings.Contains(e.Message, "of a connection") && !strings.HasPrefix(e.Message, "maxBytesPerSecond: must be an integer from 1000 to 1000000000") {
			t.Errorf("%s: %s", frame, e.Message)
		}
	}
	pad := strings.Repeat("x", 500)
	for n := range 60 {
		for _, event := range []string{`"channel":"fleet:eu","key":"v` + strconv.Itoa(n%3) + `"`, `"channel":"news:a"`} {
			bob.send(`{"type":"publish","id":1,` + event + `,"data":{"n":` + strconv.Itoa(n) + `,"pad":"` + pad + `"}}`)
			bob.expect(`{"type":"ok","id":1}`)
		}
	}
	last, news, values := map[string]string{}, 0, 0
	for news < 60 || !strings.Contains(last["v2"], `"n":59,`) || !strings.Contains(last["v1"], `"n":58,`) || !strings.Contains(last["v0"], `"n":57,`) {
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Type == wire.TypeMessage && f.Channel == "news:a":
			if !strings.HasPrefix(string(f.Data), `{"n":`+strconv.Itoa(news)+`,`) {
				t.Errorf("%.20s came, not %d", f.Data, news)
			}
			news++
		case f.Type == wire.TypeMessage:
			last[f.Key] = string(f.Data)
			values++
		}
	}
	if values >= 60 {
		t.Errorf("all %d values came, and nothing was left out", values)
	}
}
