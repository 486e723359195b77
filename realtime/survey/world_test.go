package survey_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/survey"
	"github.com/tidewire/tidewire/realtime/wire"
)

// counting is a broker that counts what a Surveyor does, and drops the messages of instances that are mute.
type counting struct {
	realtime.Broker
	streams, messages atomic.Int64
	mute              atomic.Pointer[string]
}

func (c *counting) Follow(ctx context.Context, t realtime.Topic, f realtime.Following) (realtime.Stream, error) {
	if !f.Channel.IsZero() {
		c.streams.Add(1)
	}
	return c.Broker.Follow(ctx, t, f)
}

func (c *counting) Publish(ctx context.Context, t realtime.Topic, m *realtime.Message, done func(error)) {
	if m.Kind == realtime.KindCensus {
		c.messages.Add(1)
		if mute := c.mute.Load(); mute != nil && *mute == m.Origin {
			done(nil)
			return
		}
	}
	c.Broker.Publish(ctx, t, m, done)
}

// leases are those of instances that live.
type leases map[string]bool

func (l leases) Lease(_ context.Context, instance string) (realtime.Lease, error) {
	if !l[instance] {
		return realtime.Lease{}, realtime.Errorf(realtime.CodeNotFound, "no lease")
	}
	return realtime.Lease{Instance: instance, Until: time.Now().Add(time.Minute)}, nil
}

// sink is a Transport that takes everything.
type sink struct{ box *outbox.Outbox }

func (s *sink) Flush() {
	if s.box.Begin() {
		for len(s.box.Next(nil, 1<<16)) > 0 {
		}
	}
}
func (s *sink) Beat(time.Time) bool  { return true }
func (s *sink) Shut(*realtime.Error) {}

// reader is a connection, and what it reads.
type reader struct {
	hub   int
	user  string
	conn  *hub.Connection
	reads []string
}

// world is some instances, those who are connected, and a Surveyor.
type world struct {
	t       *testing.T
	broker  *counting
	doc     *realtime.Tenant
	hubs    []*hub.Hub
	living  leases
	readers []*reader
	s       *survey.Surveyor
}

func newWorld(t *testing.T, hubs int, doc *realtime.Tenant) *world {
	inner := memory.NewBroker(memory.BrokerOptions{})
	w := &world{t: t, broker: &counting{Broker: inner}, doc: doc, living: leases{}}
	for i := range hubs {
		name := fmt.Sprintf("i%d", i)
		w.living[name] = true
		w.hubs = append(w.hubs, hub.New(w.broker, hub.Options{Instance: name, Payload: wire.Compact}))
	}
	w.s = survey.New(survey.Options{Broker: w.broker, Subscriptions: inner, Leases: w.living})
	t.Cleanup(func() { w.close(inner) })
	return w
}

func (w *world) close(inner realtime.Broker) {
	for _, h := range w.hubs {
		if err := h.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
	if err := w.s.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := inner.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) channel(name string) realtime.Channel {
	c, err := realtime.NewChannel(w.doc.ID, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) connect(at int, user string, reads ...string) *reader {
	w.t.Helper()
	out := &sink{outbox.New(wire.Encoder{}, nil)}
	conn, err := w.hubs[at].Connect(w.doc, &realtime.Principal{
		Tenant: w.doc.ID, User: user, Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}, Enter: []realtime.Pattern{"**"}},
	}, out.box, out)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &reader{at, user, conn, reads}
	for _, name := range reads {
		if err := w.hubs[at].Subscribe(conn, hub.SubscribeRequest{Channel: w.channel(name)}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.readers = append(w.readers, r)
	return r
}

func (w *world) disconnect(r *reader) {
	w.hubs[r.hub].Disconnect(r.conn)
	w.readers = slices.DeleteFunc(w.readers, func(o *reader) bool { return o == r })
}

// truth is who reads a channel.
func (w *world) truth(name string) (users []string, connections int) {
	for _, r := range w.readers {
		if slices.Contains(r.reads, name) {
			connections++
			users = append(users, r.user)
		}
	}
	slices.Sort(users)
	return slices.Compact(users), connections
}

// all are the channels that are read, in order.
func (w *world) all() (names []string) {
	for _, r := range w.readers {
		names = append(names, r.reads...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// What a Surveyor says is what is: users and connections come and go at four instances, and all three questions are asked of them, the lists page by page.
func TestAnswersAreTrue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 3))
				w := newWorld(t, 4, &realtime.Tenant{ID: "acme", Limits: realtime.Limits{Connections: 10_000}})
				names := make([]string, 1+r.IntN(60))
				for i := range names {
					names[i] = fmt.Sprintf("%s:%d", []string{"board", "sensors", "x"}[r.IntN(3)], i)
				}
				for range 12 {
					for range r.IntN(20) {
						reads := []string{names[r.IntN(len(names))]}
						if other := names[r.IntN(len(names))]; other != reads[0] {
							reads = append(reads, other)
						}
						w.connect(r.IntN(4), fmt.Sprint("u", r.IntN(15)), reads...)
					}
					for range r.IntN(15) {
						if len(w.readers) > 0 {
							w.disconnect(w.readers[r.IntN(len(w.readers))])
						}
					}
					pass(time.Duration(r.IntN(40)) * time.Second)
					pass(16 * time.Second) // graces, and what lingers
					w.check(names[r.IntN(len(names))], 1+r.IntN(10))
				}
			})
		})
	}
}

// check asks everything.
func (w *world) check(name string, limit int) {
	t := w.t
	t.Helper()
	p, err := w.s.Presence(t.Context(), w.doc, w.channel(name))
	if err != nil {
		t.Fatal(err)
	}
	users, connections := w.truth(name)
	slices.SortFunc(p.Members, func(a, b realtime.Member) int { return cmp.Compare(a.User, b.User) })
	var members []string
	for _, m := range p.Members {
		members = append(members, m.User)
	}
	if diff := gocmp.Diff(users, members); diff != "" || !p.Complete || p.Connections != connections || p.Users != len(users) || p.Count != len(users) || p.Truncated {
		t.Errorf("presence on %s: %+v, want %v and %d connections", name, p, users, connections)
	}
	var want, got []string
	for _, name := range w.all() {
		users, connections := w.truth(name)
		want = append(want, fmt.Sprint(name, len(users), connections))
	}
	for page := (survey.Page{Limit: limit}); ; {
		pass(100 * time.Millisecond) // no instance answers more than 20 questions a second
		all, err := w.s.Channels(t.Context(), w.doc, page)
		if err != nil || !all.Complete || len(all.Channels) > limit {
			t.Fatalf("%+v: %v", all, err)
		}
		for _, c := range all.Channels {
			got = append(got, fmt.Sprint(c.Channel, c.Users, c.Connections))
			page.After = c.Channel
		}
		if !all.More {
			break
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	want, got = nil, nil
	for _, name := range w.all() {
		if users, connections := w.truth(name); w.channel(name).Namespace() == "sensors" {
			want = append(want, fmt.Sprint(name, len(users), connections))
		}
	}
	for page := (survey.Page{Limit: limit, Prefix: "sensors"}); ; {
		pass(100 * time.Millisecond)
		d, err := w.s.Demand(t.Context(), w.doc, "sensors", page)
		if err != nil || !d.Complete {
			t.Fatalf("%+v: %v", d, err)
		}
		for _, c := range d.Channels {
			got = append(got, fmt.Sprint(c.Channel, c.Users, c.Watchers))
			page.After = c.Channel
		}
		if !d.More {
			break
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("demand (-want +got):\n%s", diff)
	}
}

// Of a crowd the number is told, about right though its users are at several instances, and exactly if members are connections.
func TestCrowds(t *testing.T) {
	t.Parallel()
	for _, of := range []realtime.PresenceOf{realtime.PresenceOfUser, realtime.PresenceOfConnection} {
		t.Run(string(of), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 3, &realtime.Tenant{
					ID: "acme", Limits: realtime.Limits{Connections: 50_000}, Namespaces: map[string]realtime.Namespace{"board": {Presence: &realtime.Presence{Of: of, Max: 100}}},
				})
				for i := range 6000 {
					w.connect(i%3, fmt.Sprint("u", i/2), "board:7")
				}
				pass(time.Second)
				p, err := w.s.Presence(t.Context(), w.doc, w.channel("board:7"))
				if err != nil {
					t.Fatal(err)
				}
				want, off := 3000, 200
				if of == realtime.PresenceOfConnection {
					want, off = 6000, 0
				}
				if !p.Complete || !p.Truncated || p.Members != nil || p.Count < want-off || p.Count > want+off || p.Connections != 6000 || p.Users < 2800 || p.Users > 3200 {
					t.Errorf("%d members, %d users, %d connections, complete %t, truncated %t", p.Count, p.Users, p.Connections, p.Complete, p.Truncated)
				}
				t.Logf("%d members, %d users", p.Count, p.Users)
			})
		})
	}
}

// Polling makes one line, and no question more often than once a second; nobody's topic makes none at all; and the line is closed afterwards.
func TestPollingIsCheap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, &realtime.Tenant{ID: "acme"})
		for range 100 {
			if p, err := w.s.Presence(t.Context(), w.doc, w.channel("board:7")); err != nil || !p.Complete || p.Count != 0 {
				t.Fatalf("%+v: %v", p, err)
			}
			pass(time.Second)
		}
		if n, m := w.broker.streams.Load(), w.broker.messages.Load(); n+m != 0 {
			t.Errorf("nobody is connected: %d streams, %d messages", n, m)
		}
		w.connect(0, "ann", "board:7")
		w.connect(1, "bob", "board:7")
		pass(6 * time.Second)
		for range 600 { // a minute, by ten who poll each second
			if p, err := w.s.Presence(t.Context(), w.doc, w.channel("board:7")); err != nil || !p.Complete || p.Count != 2 {
				t.Fatalf("%+v: %v", p, err)
			}
			pass(100 * time.Millisecond)
		}
		if n, m := w.broker.streams.Load(), w.broker.messages.Load(); n != 1 || m > 3*60 {
			t.Errorf("a minute of polling: %d streams, %d messages", n, m)
		}
		t.Logf("a minute of polling ten times a second: %d streams, %d messages", w.broker.streams.Load(), w.broker.messages.Load())
		pass(5 * time.Minute)
		for s := range w.broker.Broker.(realtime.SubscriptionStore).Subscriptions(t.Context()) {
			if s.Instance != "i0" && s.Instance != "i1" {
				t.Errorf("%s still follows", s.Instance)
			}
		}
	})
}

// An instance that does not answer is named, unless its lease has ended; what the others say is told all the same.
func TestSilenceIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, &realtime.Tenant{ID: "acme"})
		for i, user := range []string{"ann", "bob", "carl"} {
			w.connect(i, user, "board:7")
		}
		pass(6 * time.Second)
		mute := "i1"
		w.broker.mute.Store(&mute)
		begin := time.Now()
		p, err := w.s.Presence(t.Context(), w.doc, w.channel("board:7"))
		if err != nil || p.Complete || fmt.Sprint(p.Missing) != "[i1]" || p.Count != 2 {
			t.Errorf("%+v: %v", p, err)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		w.living["i1"] = false // it has died, and its subscription is there still
		pass(2 * time.Second)
		if p, err = w.s.Presence(t.Context(), w.doc, w.channel("board:7")); err != nil || !p.Complete || p.Count != 2 {
			t.Errorf("%+v: %v", p, err)
		}
	})
}
