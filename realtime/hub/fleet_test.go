package hub_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/wire"
)

// mortal is a broker as an instance has it that may die: then nothing that it says is heard, and it hears nothing.
type mortal struct {
	realtime.Broker
	dead *atomic.Bool
	sent *atomic.Int64 // messages of package census
}

func (m mortal) Publish(ctx context.Context, topic realtime.Topic, msg *realtime.Message, done func(error)) {
	if m.dead.Load() {
		done(&realtime.Error{Code: realtime.CodeUnavailable, Message: "dead"})
		return
	}
	if msg.Kind == realtime.KindCensus {
		m.sent.Add(1)
	}
	m.Broker.Publish(ctx, topic, msg, done)
}

func (m mortal) Follow(ctx context.Context, topic realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	s, err := m.Broker.Follow(ctx, topic, f)
	return deafened{s, m.dead}, err
}

func (m mortal) Close(context.Context) error { return nil } // others use it

type deafened struct {
	realtime.Stream
	dead *atomic.Bool
}

func (d deafened) Receive(ctx context.Context) ([]realtime.Message, error) {
	messages, err := d.Stream.Receive(ctx)
	if d.dead.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return messages, err
}

// station is one gateway of a fleet.
type station struct {
	*rig
	name string
	dead atomic.Bool
	gone bool
}

// fleet is some gateways on one broker, the users at each, and some who watch.
type fleet struct {
	t        *testing.T
	r        *rand.Rand
	broker   *faultybroker.Broker
	sent     atomic.Int64
	tenant   *realtime.Tenant
	stations []*station
	users    map[string]*guest // connected, by user: one connection each
	watchers []*watcher
	channel  string
}

type guest struct {
	at   *station
	page *page
}

// watcher is a page that knows who is present, by what it is told.
type watcher struct {
	at    *station
	page  *page
	knows map[string]string // users, by member
	crowd bool
	count int
}

func newFleet(t *testing.T, n int, tenant *realtime.Tenant) *fleet {
	f := &fleet{t: t, r: rand.New(rand.NewPCG(7, 7)), tenant: tenant, users: map[string]*guest{}, channel: "board:7"}
	f.broker = faultybroker.New(memory.NewBroker(memory.BrokerOptions{}), faultybroker.Options{})
	for i := range n {
		s := &station{name: fmt.Sprint("i", i)}
		b := mortal{f.broker, &s.dead, &f.sent}
		s.rig = &rig{t: t, tenant: tenant, broker: b, pub: publish.New(b, publish.Options{})}
		s.hub = hub.New(b, hub.Options{Instance: s.name, Payload: wire.Compact})
		f.stations = append(f.stations, s)
	}
	t.Cleanup(func() {
		for _, s := range f.stations {
			if err := s.hub.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if err := f.broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fleet) alive() []*station {
	var all []*station
	for _, s := range f.stations {
		if !s.gone {
			all = append(all, s)
		}
	}
	return all
}

// come connects a user somewhere.
func (f *fleet) come(user string) {
	alive := f.alive()
	s := alive[f.r.IntN(len(alive))]
	p := s.connect(user)
	p.quiet = true
	if err := s.hub.Subscribe(p.conn, hub.SubscribeRequest{Channel: s.rig.channel(f.channel)}); err != nil {
		f.t.Fatal(err)
	}
	f.users[user] = &guest{s, p}
}

func (f *fleet) leave(user string) {
	g := f.users[user]
	delete(f.users, user)
	g.at.hub.Disconnect(g.page.conn)
}

func (f *fleet) watch(s *station) {
	w := &watcher{at: s, page: s.connect("watcher-of-" + s.name), knows: map[string]string{}}
	name := s.rig.channel(f.channel)
	if err := s.hub.Presence(w.page.conn, &hub.PresenceRequest{
		Channel: name, Watch: true,
		Answer:  func(p *outbox.Presence) outbox.Frame { return wire.Answers{}.PresenceOK("1", name, p) },
		Refused: func(err *realtime.Error) outbox.Frame { return wire.Answers{}.Error("1", "", err) },
	}); err != nil {
		f.t.Fatal(err)
	}
	f.watchers = append(f.watchers, w)
}

// read has the watchers learn what they were told. What cannot be is a failure: who joined was not there, who left was.
func (f *fleet) read() {
	for _, w := range f.watchers {
		for _, frame := range w.page.take() {
			if frame.Type == wire.TypeError {
				f.t.Fatalf("%s: %+v", w.at.name, frame)
			}
			if frame.Type != wire.TypePresence && frame.Type != wire.TypeOK {
				continue
			}
			w.count, w.crowd = frame.Count, frame.Truncated
			if frame.Type == wire.TypeOK || frame.Members != nil {
				w.knows = map[string]string{}
			}
			for _, m := range append(frame.Members, frame.Joined...) {
				if name := m.User + m.Connection; w.knows[name] != "" {
					f.t.Fatalf("%s is told that %s joined, who was there", w.at.name, name)
				} else {
					w.knows[name] = m.User
				}
			}
			for _, m := range frame.Left.Members {
				name := m.User + m.Connection
				if w.knows[name] == "" {
					f.t.Fatalf("%s is told that %s left, who was not there", w.at.name, name)
				}
				delete(w.knows, name)
			}
		}
	}
}

// check compares what the watchers know with who is there.
func (f *fleet) check() {
	f.t.Helper()
	f.read()
	for _, w := range f.watchers {
		if w.at.gone {
			continue
		}
		if w.count != len(f.users) {
			f.t.Errorf("%s counts %d, there are %d", w.at.name, w.count, len(f.users))
		}
		if w.crowd {
			continue
		}
		known := map[string]bool{}
		for _, user := range w.knows {
			known[user] = true
		}
		for user := range f.users {
			if !known[user] {
				f.t.Errorf("%s does not know %s, who is there", w.at.name, user)
			}
		}
		for user := range known {
			if f.users[user] == nil {
				f.t.Errorf("%s knows %s, who has gone", w.at.name, user)
			}
		}
	}
}

// churn has users come and go for a while.
func (f *fleet) churn(seconds, perSecond, users int) {
	for range seconds {
		for range perSecond {
			user := "u" + strconv.Itoa(f.r.IntN(users))
			if f.users[user] != nil {
				f.leave(user)
			} else {
				f.come(user)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		f.read()
	}
}

func (f *fleet) settle() {
	time.Sleep(census.Lease + 5*time.Second + 2*time.Second) // lease, grace, and the time it takes to be told
	synctest.Wait()
	f.check()
}

// lost forgets the users of a gateway that has gone: some connect to another one.
func (f *fleet) lost(s *station) {
	s.gone = true
	for user, g := range f.users {
		if g.at == s {
			delete(f.users, user)
		}
	}
	for n := range 20 {
		if user := "u" + strconv.Itoa(n); f.users[user] == nil {
			f.come(user)
		}
	}
}

// fleetUsers is how many users there are: TIDEWIRE_USERS.
func fleetUsers(t *testing.T, standard int) int {
	s := os.Getenv("TIDEWIRE_USERS")
	if s == "" {
		return standard
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("TIDEWIRE_USERS: %v", err)
	}
	return n
}

// TestPresenceOfAFleet: while users come and go at four gateways, one dies, one is drained, and the broker is cut: every watcher knows who is there within lease, grace and two
// seconds, and was never told what it knew.
func TestPresenceOfAFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		users := fleetUsers(t, 200)
		tenant := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: 100_000}, Namespaces: map[string]realtime.Namespace{"board": {Presence: &realtime.Presence{Max: 5000}}}}
		f := newFleet(t, 4, tenant)
		for n := range users / 2 {
			f.come("u" + strconv.Itoa(n))
		}
		for _, s := range f.stations {
			f.watch(s)
			f.watch(s)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		f.check()
		f.churn(10, 50, users)
		f.settle()

		f.stations[1].dead.Store(true) // it is killed
		f.lost(f.stations[1])
		f.churn(5, 50, users)
		f.settle()

		drained := f.stations[2]
		if err := drained.hub.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
		f.lost(drained)
		f.churn(5, 50, users)
		f.settle()

		for _, s := range f.alive() {
			f.broker.Stall(s.name, 5*time.Second)
		}
		f.churn(5, 50, users)
		for _, s := range f.alive() {
			f.broker.Break(s.name)
		}
		f.churn(5, 50, users)
		for _, s := range f.alive() {
			f.broker.End(s.name)
		}
		f.churn(5, 50, users)
		f.settle()
	})
}

// TestPresenceCostsNothing: where nobody watches, instances tell each other nothing, and neither when the last has ceased to.
func TestPresenceCostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 3, &realtime.Tenant{ID: "acme"})
		f.churn(20, 20, 100)
		if n := f.sent.Load(); n != 0 {
			t.Errorf("%d messages were sent though nobody watches", n)
		}
		f.watch(f.stations[0])
		f.churn(20, 20, 100)
		if f.sent.Load() == 0 {
			t.Error("nothing was sent though somebody watches")
		}
		f.stations[0].hub.Disconnect(f.watchers[0].page.conn)
		f.watchers = nil
		time.Sleep(time.Minute)
		before := f.sent.Load()
		f.churn(60, 20, 100)
		if n := f.sent.Load() - before; n != 0 {
			t.Errorf("%d messages were sent when nobody watched any more", n)
		}
	})
}

// TestCrowdIsCounted: of ten thousand members a watcher is told the number, in at most 2 KiB a second.
func TestCrowdIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		users := fleetUsers(t, 1500)
		f := newFleet(t, 3, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: 100_000}})
		for n := range users {
			f.come("u" + strconv.Itoa(n))
		}
		f.pass(time.Second) // all have been answered
		f.watch(f.stations[0])
		time.Sleep(2 * time.Second)
		synctest.Wait()
		f.check()
		w := f.watchers[0]
		if !w.crowd || len(w.knows) != 1000 {
			t.Errorf("crowd: %v, %d are named", w.crowd, len(w.knows))
		}
		w.page.bytes.Store(0)
		const seconds = 30
		f.churn(seconds, 30, 2*users)
		if n := w.page.bytes.Load() / seconds; n > 2<<10 || n == 0 {
			t.Errorf("%d bytes a second", n)
		}
		f.settle()
	})
}

// TestPresenceObeysNewRules: a document that says otherwise who a member is, and what, changes what watchers know, at all gateways, whichever hears of it first.
func TestPresenceObeysNewRules(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := &realtime.Tenant{ID: "acme"}
		f := newFleet(t, 2, tenant)
		for n := range 6 {
			f.come("u" + strconv.Itoa(n))
		}
		f.watch(f.stations[0])
		tb := f.stations[1].table(t, "watcher", "$presence:board:7")
		f.pass(3 * time.Second)
		f.check()
		if rows := tb.read(); len(rows) != 6 {
			t.Errorf("%d rows: %v", len(rows), rows)
		}
		other := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"board": {Presence: &realtime.Presence{Of: realtime.PresenceOfConnection}}}}
		for _, s := range f.stations {
			s.tenant = other
			s.hub.Update(other)
			f.pass(1500 * time.Millisecond)
		}
		f.pass(5 * time.Second)
		f.check()
		for key, row := range tb.read() {
			if len(tb.rows) != 6 || !strings.Contains(row, `"connection":"`+key+`"`) {
				t.Errorf("%d rows, %s is %s", len(tb.rows), key, row)
			}
		}
		entered := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{"board": {Presence: &realtime.Presence{Members: realtime.PresenceEntered}}}}
		for _, s := range f.stations {
			s.tenant = entered
			s.hub.Update(entered)
		}
		f.pass(5 * time.Second)
		f.users = map[string]*guest{}
		f.check()
		if rows := tb.read(); len(rows) != 0 {
			t.Errorf("nobody has entered: %v", rows)
		}
	})
}
