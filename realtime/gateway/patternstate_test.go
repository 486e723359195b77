package gateway_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/wire"
)

// mapsOf is a map of maps that a client makes of the states of a pattern.
type mapsOf map[string]*rowsOf

// take takes a frame that is about one of the channels.
func (m mapsOf) take(f *wire.ServerFrame) {
	if f.Channel == "" || f.Pattern || realtime.IsSelection(f.Channel) {
		return
	}
	if m[f.Channel] == nil {
		m[f.Channel] = &rowsOf{}
	}
	m[f.Channel].take(f)
}

// rows is what it shows, without channels of which nothing is left.
func (m mapsOf) rows() map[string]map[string]string {
	all := map[string]map[string]string{}
	for c, r := range m {
		if len(r.rows) > 0 {
			all[c] = r.rows
		}
	}
	return all
}

// subscribe asks for a pattern, with where the maps stand, and takes all until it is complete.
func (m mapsOf) subscribe(p *peer, pattern, options string) {
	p.t.Helper()
	since, views := map[string]string{}, map[string]string{}
	for c, r := range m {
		if r.at != "" {
			since[c] = r.at
		}
		if r.view != "" {
			views[c] = r.view
		}
	}
	frame := fmt.Sprintf(`{"type":"subscribe","id":70,"channel":%q,"state":true,"since":%s,"view":%s%s}`, pattern, toJSON(p.t, since), toJSON(p.t, views), options)
	p.send(frame)
	p.expect(fmt.Sprintf(`{"type":"ok","id":70,"channel":%q,"pattern":true}`, pattern))
	m.until(p, func(f *wire.ServerFrame) bool { return f.Type == wire.TypeNotice && f.Code == wire.NoticeComplete })
}

// until takes what comes up to a frame.
func (m mapsOf) until(p *peer, over func(*wire.ServerFrame) bool) {
	p.t.Helper()
	for {
		f, err := p.next()
		if err != nil {
			p.t.Fatal(err)
		}
		if f.Type == wire.TypeError {
			p.t.Fatalf("%+v", f)
		}
		m.take(&f)
		if over(&f) {
			return
		}
	}
}

// caughtUp takes what has been published before: a last event says when that is all.
func (m mapsOf) caughtUp(p *peer, writer *publisher, channels ...string) {
	p.t.Helper()
	for _, c := range channels {
		writer.publish(c, `"data":"last"`)
		m.until(p, func(f *wire.ServerFrame) bool { return f.Channel == c && string(f.Data) == `"last"` })
	}
}

type publisher struct{ *peer }

func (p publisher) publish(channel, rest string) {
	p.t.Helper()
	p.send(`{"type":"publish","id":1,"channel":"` + channel + `",` + rest + `}`)
	p.expect(`{"type":"ok"}`)
}

// The states of all channels of a pattern are a map of maps, those that begin later included, which is gone on from where it stands.
func TestStatesOfAPattern(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob := publisher{s.connect("acme", "bob")}
	bob.publish("fleet:eu", `"key":"v1","data":1`)
	bob.publish("fleet:us", `"key":"v2","data":2`)
	bob.publish("fleet:us:ny", `"key":"v3","data":3`)
	bob.publish("prices:fx", `"key":"v4","data":4`)
	ann, m := s.connect("acme", "ann"), mapsOf{}
	m.subscribe(ann, "fleet:*", "")
	want := map[string]map[string]string{"fleet:eu": {"v1": "1"}, "fleet:us": {"v2": "2"}}
	if diff := cmp.Diff(want, m.rows()); diff != "" {
		t.Fatalf("(-want +has):\n%s", diff)
	}
	bob.publish("fleet:eu", `"key":"v1","delete":true`)
	bob.publish("fleet:eu", `"key":"v5","data":5`)
	bob.publish("fleet:asia", `"key":"v6","data":6`)
	m.caughtUp(ann, &bob, "fleet:eu", "fleet:us", "fleet:asia")
	want["fleet:eu"], want["fleet:asia"] = map[string]string{"v5": "5"}, map[string]string{"v6": "6"}
	if diff := cmp.Diff(want, m.rows()); diff != "" {
		t.Fatalf("(-want +has):\n%s", diff)
	}
	_ = ann.ws.Close()
	bob.publish("fleet:us", `"key":"v2","delete":true`)
	bob.publish("fleet:asia", `"key":"v7","data":7`)
	bob.publish("fleet:moon", `"key":"v8","data":8`)
	again := s.connect("acme", "ann")
	m.subscribe(again, "fleet:*", "")
	m.caughtUp(again, &bob, "fleet:us", "fleet:asia")
	delete(want, "fleet:us")
	want["fleet:asia"]["v7"], want["fleet:moon"] = "7", map[string]string{"v8": "8"}
	if diff := cmp.Diff(want, m.rows()); diff != "" {
		t.Fatalf("(-want +has):\n%s", diff)
	}
}

// Who comes back to a pattern and may see something else is given each channel anew of which that is so.
func TestComesBackToAPatternToSeeSomethingElse(t *testing.T) {
	t.Parallel()
	doc := stateful()
	doc.Limits.ConnectsPerSecond, doc.Limits.ConnectionsPerUser = 1000, 1000
	s := startViews(t, doc)
	bob := publisher{s.connect("acme", "bob")}
	for i, desk := range []string{"a", "b", "a"} {
		bob.publish("fleet:"+desk, `"key":"v`+strconv.Itoa(i)+`","tags":{"desk":"`+desk+`"},"data":{"bid":1,"cost":2}`)
	}
	cost := func(c *auth.Claims) { c.Views.Columns = map[realtime.Pattern][]string{"fleet:b": {"bid"}} }
	none := func(*auth.Claims) {}
	rights := []func(*auth.Claims){none, cost, sees("fleet:**", "tags.desk == 'a'"), none}
	for i, old := range rights {
		for k, now := range rights {
			m, fresh := mapsOf{}, mapsOf{}
			p := s.connect("acme", "ann", old)
			m.subscribe(p, "fleet:**", "")
			_ = p.ws.Close()
			p, q := s.connect("acme", "ann", now), s.connect("acme", "ann", now)
			m.subscribe(p, "fleet:**", "")
			fresh.subscribe(q, "fleet:**", "")
			_, _ = p.ws.Close(), q.ws.Close()
			if diff := cmp.Diff(fresh.rows(), m.rows()); diff != "" {
				t.Errorf("from %d to %d (-want +has):\n%s", i, k, diff)
			}
		}
	}
}

// A store knows channels of which nothing has come for long.
func TestStatesOfAPatternInAStore(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{}}}
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	broker, states := memory.NewBroker(memory.BrokerOptions{}), memory.NewStates()
	t.Cleanup(func() {
		if err := broker.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	s := start(t, gateway.Options{Broker: broker, States: states, Filters: filters, Pace: hub.Pace{Linger: 1}}, doc)
	k := keeper.New(keeper.Options{Broker: broker, Reader: broker, States: states, Tenants: s.tenants})
	bob := publisher{s.connect("acme", "bob")}
	want := map[string]map[string]string{}
	for i := range 5 {
		c := "fleet:" + strconv.Itoa(i)
		bob.publish(c, `"key":"v","data":1`)
		want[c] = map[string]string{"v": "1"}
	}
	bob.publish("fleet:gone", `"key":"v","data":1`)
	bob.publish("fleet:gone", `"key":"v","delete":true`)
	if _, err := k.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := mapsOf{}
	m.subscribe(s.connect("acme", "ann"), "fleet:**", "")
	if diff := cmp.Diff(want, m.rows()); diff != "" {
		t.Errorf("(-want +has):\n%s", diff)
	}
}

func TestRefusedStatesOfAPattern(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	ann := s.connect("acme", "ann")
	for _, c := range []struct{ frame, code, says string }{
		{`"channel":"prices:*","state":true`, "bad-request", `state: none is kept here of the channels of "prices:*"`},
		{`"channel":"fleet:*","view":{"fleet:eu":"x"}`, "bad-request", "view: belongs to a state; leave it out"},
		{`"channel":"fleet:*","state":true,"since":"1-x"`, "bad-request", "since: must be an object of channels and positions for a pattern"},
		{`"channel":"fleet:*","state":true,"since":{"fleet:*":"1-x"}`, "bad-request", "since: "},
		{`"channel":"fleet:**:a","state":true`, "bad-request", "channel: "},
		{`"channel":"fleet:*","state":true,"filter":"tags.desk = 'a'"`, "bad-request", "filter: line 1, column 11"},
		{`"channel":"fleet:*","state":true,"keys":["a*b"]`, "bad-request", `keys: "*" may stand at the end only`},
	} {
		ann.send(`{"type":"subscribe","id":1,` + c.frame + `}`)
		f := ann.expect(`{"type":"error","id":1,"code":"` + c.code + `"}`)
		if len(f.Message) < len(c.says) || f.Message[:len(c.says)] != c.says {
			t.Errorf("%s: %q", c.frame, f.Message)
		}
	}
	m := mapsOf{}
	m.subscribe(ann, "fleet:*", "")
	if rows := maps.Collect(maps.All(m.rows())); len(rows) != 0 {
		t.Errorf("of nothing it is shown %v", rows)
	}
}
