package hub_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/wire"
)

// sensors is a producer that could make a thousand channels, and makes what it is told that somebody reads.
type sensors struct {
	f        *fleet
	table    *table
	n        int
	produced map[string]int  // values, by channel
	stopped  map[string]int  // how often each was given up
	runs     map[string]bool // those that it makes
}

// make makes a value of each sensor that somebody reads, twice a second for a while.
func (s *sensors) make(d time.Duration) {
	s.f.t.Helper()
	const pace = 500 * time.Millisecond
	for ; d > 0; d -= pace {
		rows := s.table.read()
		for name := range s.runs {
			if _, wanted := rows[name]; !wanted {
				s.stopped[name]++
				delete(s.runs, name)
			}
		}
		for name := range rows {
			s.runs[name] = true
			s.n++
			s.produced[name]++
			err := s.f.stations[0].pub.Publish(s.f.t.Context(), s.f.tenant, []realtime.Publication{{Channel: s.f.stations[0].channel(name), ID: fmt.Sprint(s.n), Data: []byte("1")}})
			if err != nil {
				s.f.t.Fatal(err)
			}
		}
		s.f.pass(pace)
	}
}

// Of a thousand sensors ten are read, at three gateways: those are produced and no others, the first value of each comes 1.5 s after it began to be read at
// the latest, 10,000 readers who connect again stop none, and if a gateway dies none stops that is read elsewhere or may be.
func TestSensors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 3, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: 100_000, ConnectionsPerUser: 1000}})
		s := &sensors{f: f, table: f.stations[0].table(t, "producer", "$demand:sensors"), produced: map[string]int{}, stopped: map[string]int{}, runs: map[string]bool{}}
		s.make(3 * time.Second)
		if !s.table.ready || s.n > 0 {
			t.Fatalf("ready %t; %d values that nobody reads", s.table.ready, s.n)
		}

		var read []string
		var readers []guest
		for i := range 10 {
			name, at := fmt.Sprint("sensors:", i*97), f.stations[i%3]
			p := at.connect(fmt.Sprint("u", i))
			if err := at.hub.Subscribe(p.conn, hub.SubscribeRequest{Channel: at.channel(name)}); err != nil {
				t.Fatal(err)
			}
			s.make(1500 * time.Millisecond)
			if !slices.ContainsFunc(p.take(), func(f wire.ServerFrame) bool { return f.Type == wire.TypeMessage }) {
				t.Errorf("%s: no value within 1.5 s", name)
			}
			read, readers = append(read, name), append(readers, guest{at, p})
		}
		if len(s.produced) != 10 {
			t.Errorf("%d sensors were produced", len(s.produced))
		}

		for range 90 {
			readers = append(readers, guest{f.stations[0], f.reads(f.stations[0], "crowd", hub.SubscribeRequest{}, read[len(readers)%10])})
		}
		for range 100 { // all connect again, each to any gateway
			for _, g := range readers {
				g.at.hub.Disconnect(g.page.conn)
			}
			s.make(time.Duration(f.r.IntN(5)) * time.Second)
			for i := range readers {
				at := f.stations[f.r.IntN(3)]
				readers[i] = guest{at, f.reads(at, fmt.Sprint("u", i), hub.SubscribeRequest{}, read[i%10])}
			}
			s.make(time.Duration(f.r.IntN(2000)) * time.Millisecond)
		}
		if len(s.stopped) > 0 || len(s.produced) != 10 {
			t.Errorf("10,000 readers who connected again have stopped %v", s.stopped)
		}

		for i, g := range readers { // those of two sensors are at one gateway, which dies
			g.at.hub.Disconnect(g.page.conn)
			at := f.stations[i%10/4]
			readers[i] = guest{at, f.reads(at, fmt.Sprint("u", i), hub.SubscribeRequest{}, read[i%10])}
		}
		s.make(demand.Linger + 3*time.Second)
		f.stations[2].dead.Store(true)
		s.make(census.Lease / 2)
		if len(s.stopped) > 0 {
			t.Errorf("stopped while the gateway may live: %v", s.stopped)
		}
		s.make(census.Lease/2 + demand.Linger + 3*time.Second)
		if len(s.stopped) != 2 || s.stopped[read[8]] != 1 || s.stopped[read[9]] != 1 {
			t.Errorf("stopped when its lease was over: %v", s.stopped)
		}
	})
}
