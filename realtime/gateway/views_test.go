package gateway_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
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
