package hub_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/wire"
)

// table is a page that keeps the state of a channel, by what it is sent.
type table struct {
	t     *testing.T
	page  *page
	rows  map[string]string
	told  int // changes
	ready bool
}

func (s *station) table(t *testing.T, user, name string) *table {
	t.Helper()
	c, err := realtime.NewReadable(s.tenant.ID, name)
	if err != nil {
		t.Fatal(err)
	}
	p := s.connect(user)
	if err := s.hub.Subscribe(p.conn, hub.SubscribeRequest{Channel: c, State: true}); err != nil {
		t.Fatal(err)
	}
	return &table{t: t, page: p, rows: map[string]string{}}
}

func (tb *table) read() map[string]string {
	for _, f := range tb.page.take() {
		switch f.Type {
		case wire.TypeSnapshot:
			if f.Reset {
				clear(tb.rows)
			}
			for _, e := range f.Entries {
				tb.rows[e.Key] = string(e.Data)
			}
			tb.ready = tb.ready || !f.More
		case wire.TypeMessage:
			tb.told++
			if f.Deleted {
				delete(tb.rows, f.Key)
			} else {
				tb.rows[f.Key] = string(f.Data)
			}
		case wire.TypeError, wire.TypeNotice:
			tb.t.Errorf("told %+v", f)
		}
	}
	return tb.rows
}

func (tb *table) row(key string) (r demand.Row) {
	tb.t.Helper()
	if err := json.Unmarshal([]byte(tb.read()[key]), &r); err != nil {
		tb.t.Errorf("%s: %q: %v", key, tb.rows[key], err)
	}
	return r
}

func (f *fleet) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// read has a user read a channel at a gateway.
func (f *fleet) reads(s *station, user string, req hub.SubscribeRequest, name string) *page {
	p := s.connect(user)
	p.quiet = true
	req.Channel = s.rig.channel(name)
	if err := s.hub.Subscribe(p.conn, req); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// TestDemand: of a thousand sensors, those are shown that somebody reads, anywhere, at once; for ten seconds after the last reader has gone; and while a gateway that has died may
// still be alive.
func TestDemand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: 100_000}}
		f := newFleet(t, 3, tenant)
		early := f.reads(f.stations[1], "ann", hub.SubscribeRequest{}, "sensors:1")
		f.pass(5 * time.Second)
		producer := f.stations[0].table(t, "producer", "$demand:sensors")
		f.pass(time.Second)
		if rows := producer.read(); !producer.ready || len(rows) != 1 {
			t.Fatalf("ready %v: %v", producer.ready, rows)
		}
		first := producer.row("sensors:1")
		if first.Watchers != 1 || first.Users != 1 || first.MaxRate != 0 || first.Keys != nil {
			t.Errorf("the first row is %+v", first)
		}

		for n := range 9 {
			f.reads(f.stations[n%3], "bob", hub.SubscribeRequest{Want: hub.Want{MaxRate: float64(n + 1), Keys: []string{"k" + strconv.Itoa(n)}}}, "sensors:"+strconv.Itoa(n+2))
			f.pass(1500 * time.Millisecond)
			if r := producer.row("sensors:" + strconv.Itoa(n+2)); r.Watchers != 1 || r.MaxRate != float64(n+1) || fmt.Sprint(r.Keys) != fmt.Sprintf("map[k%d:1]", n) {
				t.Errorf("row %d is %+v", n+2, r)
			}
		}
		f.reads(f.stations[2], "carl", hub.SubscribeRequest{Want: hub.Want{MaxRate: 50, Keys: []string{"k0", "x"}}}, "sensors:2")
		f.pass(3 * time.Second)
		if r := producer.row("sensors:2"); r.Watchers != 2 || r.Users != 2 || r.MaxRate != 50 || fmt.Sprint(r.Keys) != "map[k0:2 x:1]" {
			t.Errorf("two read sensors:2: %+v", r)
		}

		// Who connects again has never been away.
		told := producer.told
		for range 20 {
			f.stations[1].hub.Disconnect(early.conn)
			f.pass(2 * time.Second)
			early = f.reads(f.stations[1], "ann", hub.SubscribeRequest{}, "sensors:1")
			f.pass(2 * time.Second)
			if _, shown := producer.read()["sensors:1"]; !shown {
				t.Fatal("a reader who connects again is missed")
			}
		}
		if r := producer.row("sensors:1"); r.Since != first.Since {
			t.Errorf("since %d, was %d", r.Since, first.Since)
		}
		t.Logf("told %d times of 20 reconnects", producer.told-told)

		f.stations[1].hub.Disconnect(early.conn)
		f.pass(demand.Linger - time.Second)
		if r := producer.row("sensors:1"); r.Watchers != 0 {
			t.Errorf("while it lingers: %+v", r)
		}
		f.pass(4 * time.Second)
		if rows := producer.read(); rows["sensors:1"] != "" || len(rows) != 9 {
			t.Errorf("%d rows: %v", len(rows), rows)
		}

		// A gateway dies: what was read there is shown while it may live.
		f.stations[2].dead.Store(true)
		f.pass(census.Lease / 2)
		if rows := producer.read(); len(rows) != 9 {
			t.Errorf("%d rows after a gateway has died", len(rows))
		}
		f.pass(census.Lease/2 + demand.Linger)
		if rows := producer.read(); len(rows) != 6 {
			t.Errorf("%d rows when its lease was over: %v", len(rows), rows)
		}
	})
}

// TestDemandIsGranted: who may not see the demand of a namespace is told which grant would do; and nothing else is to be had of a reserved channel.
func TestDemandIsGranted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1, &realtime.Tenant{ID: "acme"})
		s := f.stations[0]
		p := s.connect("ann")
		if _, err := p.conn.Renew(&realtime.Principal{Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{
			Subscribe: []realtime.Pattern{"**"}, Demand: []realtime.Pattern{"sensors:*"}, Presence: []realtime.Pattern{"board:7"},
		}}); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"$demand:sensors":   `no grant to see the demand for "sensors"; one with the demand pattern "sensors:**" would do`,
			"$presence:board:8": `no grant for the presence of "board:8"`,
			"$presence:board:7": "",
		} {
			c, err := realtime.NewReadable("acme", name)
			if err != nil {
				t.Fatal(err)
			}
			switch err := s.hub.Subscribe(p.conn, hub.SubscribeRequest{Channel: c, State: true}); {
			case want == "" && err != nil, want != "" && (err == nil || realtime.CodeOf(err) != realtime.CodeForbidden || err.Error() != "channel: "+want):
				t.Errorf("%s: %v", name, err)
			}
			if err := s.hub.Subscribe(p.conn, hub.SubscribeRequest{Channel: c, Sub: "x"}); realtime.CodeOf(err) == "" {
				t.Errorf("%s without its state: %v", name, err)
			}
		}
		if _, err := realtime.NewReadable("acme", "$secrets:x"); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Error(err)
		}
	})
}

// TestPresenceAsState: the reserved channel of a channel's presence shows its members, on all instances, with their data, and a filter applies.
func TestPresenceAsState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 2, &realtime.Tenant{ID: "acme"})
		ann := f.reads(f.stations[1], "ann", hub.SubscribeRequest{}, "board:7")
		f.pass(time.Second)
		tb := f.stations[0].table(t, "watcher", "$presence:board:7")
		f.pass(time.Second)
		if got := fmt.Sprint(tb.read()); got != `map[ann:{"user":"ann","groups":["all"]}]` {
			t.Errorf("at first %s", got)
		}
		bob := f.stations[0].connect("bob")
		if err := hub.Enter(bob.conn, f.stations[0].rig.channel("board:7"), json.RawMessage(`{"colour":"teal"}`), false); err != nil {
			t.Fatal(err)
		}
		f.pass(time.Second)
		if got := tb.read()["bob"]; got != `{"user":"bob","groups":["all"],"data":{"colour":"teal"}}` {
			t.Errorf("bob is %s", got)
		}
		f.stations[1].hub.Disconnect(ann.conn)
		f.pass(10 * time.Second)
		if got := tb.read(); got["ann"] != "" || len(got) != 1 {
			t.Errorf("ann has gone: %v", got)
		}
		f.stations[0].hub.Disconnect(tb.page.conn)
		f.pass(time.Minute)
		before := f.sent.Load()
		f.pass(5 * time.Minute)
		if n := f.sent.Load() - before; n != 0 {
			t.Errorf("%d messages were sent when nobody read it any more", n)
		}
	})
}

// A user who reads a channel at several gateways is one user, and of many the number is about right and never more than there are subscriptions.
func TestDemandCountsUsersOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 3, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: 100_000}})
		producer := f.stations[0].table(t, "producer", "$demand:sensors")
		for _, s := range f.stations {
			f.reads(s, "ann", hub.SubscribeRequest{}, "sensors:1")
		}
		f.reads(f.stations[1], "bob", hub.SubscribeRequest{}, "sensors:1")
		for n := range 300 { // 200 users, 100 of them at two gateways
			f.reads(f.stations[n/100], "u"+strconv.Itoa(n%200), hub.SubscribeRequest{}, "sensors:2")
		}
		f.pass(5 * time.Second)
		if r := producer.row("sensors:1"); r.Watchers != 4 || r.Users != 2 || r.Who != nil {
			t.Errorf("ann at three gateways, and bob: %+v", r)
		}
		if r := producer.row("sensors:2"); r.Watchers != 300 || r.Users < 120 || r.Users > 300 {
			t.Errorf("200 users with 300 subscriptions: %+v", r)
		}
	})
}
