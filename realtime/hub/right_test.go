package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/presence"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// listener is a transport that keeps what it is given, as text.
type listener struct {
	box *outbox.Outbox

	mu     sync.Mutex // guards frames: timers flush, too
	frames []string
}

func (l *listener) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.box.Begin() {
		for frames := l.box.Next(nil, 1<<20); len(frames) > 0; frames = l.box.Next(nil, 1<<20) {
			for _, f := range frames {
				l.frames = append(l.frames, string(outbox.Frame{Bytes: f}.Payload()))
			}
		}
	}
}
func (l *listener) Beat(time.Time) bool  { return true }
func (l *listener) Shut(*realtime.Error) {}

// told returns how often each of the frames came, and forgets them.
func (l *listener) told() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := map[string]int{}
	for _, f := range l.frames {
		n[f]++
	}
	l.frames = nil
	return n
}

// rightsModel is one client and what it should have: nothing that its grants do not name.
type rightsModel struct {
	conn   *Connection
	ear    *listener
	grants realtime.Grants
	stands map[realtime.Right]bool
}

// may is the simplest rule: the last letter of a channel's name is in the pattern.
func (m *rightsModel) may(r realtime.Right) bool {
	patterns := m.grants.Subscribe
	if r.Action == realtime.ActionPresence {
		patterns = m.grants.Presence
	}
	return slices.Contains(patterns, realtime.Pattern(r.Channel.Name()))
}

// renew gives the client other grants, and checks that it loses exactly what they do not name, and is told
// of each once.
func (m *rightsModel) renew(t *testing.T, grants realtime.Grants) {
	t.Helper()
	p := *m.conn.Principal()
	p.Grants = grants
	m.ear.told()
	if _, err := m.conn.Renew(&p); err != nil {
		t.Fatal(err)
	}
	m.grants = grants
	want := map[string]int{}
	for r := range m.stands {
		if !m.may(r) {
			want["ended "+string(r.Action)+" "+r.Channel.Name()] = 1
			delete(m.stands, r)
		}
	}
	if got := m.ear.told(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("told %v, want %v", got, want)
	}
}

func (m *rightsModel) compare(t *testing.T) {
	t.Helper()
	var got, want []string
	for _, r := range m.conn.Rights() {
		got = append(got, fmt.Sprint(r))
	}
	for r := range m.stands {
		want = append(want, fmt.Sprint(r))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("it has %v, want %v", got, want)
	}
}

// TestNoRightOutlivesItsGrant lets clients subscribe, watch, renew their tokens by others, and come and go,
// while the tenant's document changes. After each step nobody has what is not granted, or lacks what is, and each end
// was told once.
func TestNoRightOutlivesItsGrant(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 3))
			b := newTopicBench(t)
			b.serve(&realtime.Tenant{ID: "acme"})
			var names []realtime.Channel
			for i := range 5 {
				names = append(names, b.channel("acme", fmt.Sprintf("c:%d", i)))
			}
			some := func() (all []realtime.Pattern) {
				for _, name := range names {
					if r.IntN(3) > 0 {
						all = append(all, realtime.Pattern(name.Name()))
					}
				}
				return all
			}
			join := func(i int) *rightsModel {
				m := &rightsModel{conn: b.connect("acme", fmt.Sprintf("user%d", i)), stands: map[realtime.Right]bool{}}
				m.ear = &listener{box: m.conn.client.Box}
				m.conn.transport = m.ear
				m.renew(t, realtime.Grants{Subscribe: some(), Presence: some()})
				return m
			}
			clients := []*rightsModel{join(0), join(1), join(2)}
			for range 400 {
				i, name := r.IntN(len(clients)), names[r.IntN(len(names))]
				m := clients[i]
				switch n := r.IntN(100); {
				case n < 35:
					right := realtime.Right{Action: realtime.ActionSubscribe, Channel: name}
					err := b.hub.Subscribe(m.conn, SubscribeRequest{Channel: name})
					if (err == nil) != (m.may(right) && !m.stands[right]) {
						t.Fatalf("subscribe: %v, with %v", err, m.grants)
					}
					if err == nil {
						m.stands[right] = true
					}
				case n < 65:
					right := realtime.Right{Action: realtime.ActionPresence, Channel: name}
					if err := b.hub.AskPresence(m.conn, name, true); (err == nil) != m.may(right) {
						t.Fatalf("presence: %v, with %v", err, m.grants)
					} else if err == nil {
						m.stands[right] = true
					}
				case n < 70:
					b.hub.Unsubscribe(m.conn, name, "")
					delete(m.stands, realtime.Right{Action: realtime.ActionSubscribe, Channel: name})
				case n < 75:
					if err := b.hub.AskPresence(m.conn, name, false); err == nil {
						delete(m.stands, realtime.Right{Action: realtime.ActionPresence, Channel: name})
					}
				case n < 90:
					m.renew(t, realtime.Grants{Subscribe: some(), Presence: some()})
				case n < 95:
					b.feed.update(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{QueueMessages: 64 + r.IntN(100)}})
				default:
					b.feed.remove(m.conn)
					clients[i] = join(i)
				}
				for _, m := range clients {
					m.compare(t)
				}
			}
			// Nobody is told of a channel that he may not watch any more.
			for _, m := range clients {
				m.renew(t, realtime.Grants{})
				b.feed.remove(m.conn)
			}
			b.feed.lock()
			b.feed.fleet.Turn(time.Now().Add(time.Second))
			b.feed.unlock()
			if n := b.feed.fleet.Levels().Rooms; n > len(names) {
				t.Errorf("%d channels are watched", n)
			}
			if n := b.feed.fleet.Levels().Watching; n != 0 {
				t.Errorf("%d watch who have gone", n)
			}
		})
	}
}

// A watch counts as a subscription, so that one connection cannot watch without end.
func TestWatchesAreBounded(t *testing.T) {
	t.Parallel()
	b := newTopicBench(t)
	b.serve(&realtime.Tenant{ID: "acme", Limits: realtime.Limits{SubscriptionsPerConnection: 10}})
	c := b.connect("acme", "ann")
	b.subscribe(c, b.channel("acme", "read"))
	for i := range 20 {
		name := b.channel("acme", fmt.Sprintf("c:%d", i))
		for range 2 { // asking again takes nothing
			err := b.hub.AskPresence(c, name, true)
			if limited := realtime.CodeOf(err) == realtime.CodeLimited; limited != (i >= 9) {
				t.Fatalf("watch %d: %v", i, err)
			}
		}
	}
	if err := b.hub.Subscribe(c, SubscribeRequest{Channel: b.channel("acme", "more")}); realtime.CodeOf(err) != realtime.CodeLimited {
		t.Errorf("a subscription beside as many watches: %v", err)
	}
	if err := b.hub.AskPresence(c, b.channel("acme", "c:0"), false); err != nil {
		t.Fatal(err)
	}
	b.subscribe(c, b.channel("acme", "more"))
	for i := range 2 * presence.MaxLingering { // asking once leaves little behind
		if err := b.hub.AskPresence(c, b.channel("acme", fmt.Sprintf("once:%d", i)), false); err != nil {
			t.Fatal(err)
		}
	}
	b.feed.lock()
	b.feed.fleet.Turn(time.Now().Add(time.Second))
	b.feed.unlock()
	if n := b.feed.fleet.Levels().Rooms; n > presence.MaxLingering+10 {
		t.Errorf("%d channels are remembered", n)
	}
}
