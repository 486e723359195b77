package channel

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/hub/schedule"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// spelled is a protocol whose frames a test can read.
type spelled struct{ outbox.Encoder }

func frame(format string, args ...any) outbox.Frame {
	payload := fmt.Sprintf(format, args...)
	return outbox.Frame{Bytes: append(outbox.AppendFrameHeader(nil, 0x81, len(payload)), payload...)}
}

func (spelled) Name() string { return "spelled" }

func (spelled) Subscribed(_ string, c realtime.Channel, a outbox.Answer) outbox.Frame {
	switch {
	case a.Resumed:
		return frame("%s resumed", c.Name())
	case a.Gap:
		return frame("%s ok gap", c.Name())
	}
	return frame("%s ok", c.Name())
}

func (spelled) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	return frame("%s %s", p.Channel.Name(), p.ID), nil
}

func (spelled) Gap(c realtime.Channel, _ realtime.Position) outbox.Frame {
	return frame("%s gap", c.Name())
}

// conn is a connection that only has a tenant.
type conn struct{ tenant *realtime.Tenant }

func (c conn) Tenant() *realtime.Tenant     { return c.tenant }
func (conn) Principal() *realtime.Principal { return &realtime.Principal{} }

// topic is what is published, in order: events of its channels and fences. Sets hear it, each as far as it has come.
type topic struct {
	t      testing.TB
	fx     Effects
	tenant *realtime.Tenant
	spoken *protocol.Protocol
	log    []realtime.Message
	now    time.Time
	skew   time.Duration
	ticks  []func()

	flushes *schedule.Scheduler
	source  schedule.Source
	share   *schedule.Tenant
}

// unwritten is a connection whose client takes nothing unless it is told.
type unwritten struct{}

func (unwritten) Flush()         {}
func (unwritten) Written() int64 { return 0 }

func newTopic(t testing.TB) *topic {
	flushes := schedule.New(1)
	return &topic{
		t: t, tenant: &realtime.Tenant{ID: "acme"}, now: time.UnixMilli(1_800_000_000_000),
		spoken:  protocol.New(spelled{}, slog.New(slog.DiscardHandler), realtime.NoMetrics{}),
		flushes: flushes, share: flushes.Join("acme", 1),
	}
}

func (w *topic) channel(name string) realtime.Channel {
	w.t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// follower is a Set that hears the topic.
type follower struct {
	*Set
	w     *topic
	heard int // of w.log
}

// follow returns a Set that has heard nothing, and is complete since before all.
func (w *topic) follow() *follower {
	f := &follower{w: w, Set: New(Options{
		Effects: &w.fx, Metrics: realtime.NoMetrics{}, Log: slog.New(slog.DiscardHandler),
		Margin: time.Minute, Memory: 10 * time.Minute, Skew: w.skew,
		Document: func(string) *realtime.Tenant { return w.tenant },
		Home:     func(*realtime.Tenant) bool { return true },
		After: func(_ realtime.Channel, _ time.Duration, do func()) *time.Timer {
			w.ticks = append(w.ticks, do)
			return time.NewTimer(time.Hour)
		},
	})}
	f.Records().Complete(w.now.Add(-time.Hour))
	return f
}

// publish appends an event to a channel.
func (w *topic) publish(c realtime.Channel) {
	w.now = w.now.Add(time.Millisecond)
	w.log = append(w.log, realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: strconv.Itoa(len(w.log)), Time: w.now, Data: []byte("1")}})
}

// last is the ID of the event that was published last.
func (w *topic) last() string {
	for i := len(w.log) - 1; ; i-- {
		if w.log[i].Kind == realtime.KindPublication {
			return w.log[i].ID
		}
	}
}

// carryOut publishes the fences.
func (w *topic) carryOut() {
	for _, f := range w.fx.Fences {
		w.now = w.now.Add(time.Millisecond)
		w.log = append(w.log, realtime.Message{Kind: realtime.KindFence, Publication: realtime.Publication{Channel: f.Channel(), ID: f.ID, Time: w.now}})
	}
	w.flushes.Flush(&w.source, w.fx.Queued)
	w.fx = Effects{Wheel: w.fx.Wheel}
}

// hear lets a Set hear some of what it has not heard. It reports whether something is missing.
func (f *follower) hear(n int) (hole bool) {
	for ; n > 0 && f.heard < len(f.w.log); n-- {
		m := f.w.log[f.heard]
		f.heard++
		switch m.Kind {
		case realtime.KindPublication:
			f.Open(m.Channel).Take(&m, false, f.w.now)
		default:
			hole = f.Return(m.ID, m.Channel, m.Time.UnixMilli()) || hole
		}
		f.w.carryOut()
	}
	return hole
}

// all lets it hear all, and what follows of that.
func (f *follower) all() *follower {
	f.work()
	for f.heard < len(f.w.log) {
		f.hear(1)
	}
	return f
}

// work sends the fences that are due.
func (f *follower) work() {
	f.SendFences()
	for f.Work() || f.Migrate() {
		f.w.carryOut()
	}
	f.w.carryOut()
}

// listener is a client of some channels.
type listener struct {
	Client
	w       *topic
	readers map[realtime.Channel]*Reader
	told    map[realtime.Channel][]string
}

func (w *topic) connect() *listener {
	l := &listener{w: w, readers: map[realtime.Channel]*Reader{}, told: map[realtime.Channel][]string{}}
	box := outbox.New(spelled{}, &outbox.Limits{Messages: 1 << 20, Bytes: 1 << 30})
	l.Client = Client{Conn: conn{w.tenant}, Box: box, Protocol: w.spoken}
	l.Schedule.Bind(w.share, unwritten{})
	box.ReplayFrom(func() { l.Refill(&w.fx.Given) })
	return l
}

// ask subscribes to a channel of a Set.
func (l *listener) ask(f *follower, c realtime.Channel, since realtime.Position) *Reader {
	r := NewReader(&l.Client, c, nil, Pace{})
	l.readers[c] = r
	q := &Question{Request: Request{Channel: c, Since: since}, Reader: r, Asked: time.Now()}
	r.Asks(q)
	f.Open(c).Ask(q)
	l.w.carryOut()
	return r
}

// take takes up to some bytes of what is queued.
func (l *listener) take(most int) {
	if !l.Box.Begin() {
		return
	}
	for frames := l.Box.Next(nil, most); len(frames) > 0; frames = l.Box.Next(nil, most) {
		for _, f := range frames {
			name, what, _ := strings.Cut(string(outbox.Frame{Bytes: f}.Payload()), " ")
			c := l.w.channel(name)
			l.told[c] = append(l.told[c], what)
		}
	}
}

// newsOf returns what the client was told of a channel since the last call.
func (l *listener) newsOf(c realtime.Channel) string {
	l.take(1 << 20)
	news := strings.Join(l.told[c], ",")
	delete(l.told, c)
	return news
}

// counts of a Set are what a look at all its readers finds.
func (f *follower) check() {
	f.w.t.Helper()
	parked, busy, suspects := 0, 0, 0
	for _, m := range f.machines {
		ahead, replaying := 0, 0
		for i, r := range m.readers {
			if r.m != m || r.index != i {
				f.w.t.Fatalf("%s: reader %d is not where it is", m.name.Name(), i)
			}
			switch r.state {
			case Parked:
				parked++
			case Ahead:
				ahead++
			case Replaying:
				replaying++
			case Reading:
			default:
				f.w.t.Fatalf("%s: reader %d is in state %d", m.name.Name(), i, r.state)
			}
			if (r.state == Parked) != (m.State() == Buffering) {
				f.w.t.Fatalf("%s is in state %d, a reader in %d", m.name.Name(), m.State(), r.state)
			}
		}
		if ahead != m.ahead || replaying != m.replaying {
			f.w.t.Fatalf("%s: %d ahead and %d replaying, counted are %d and %d", m.name.Name(), ahead, replaying, m.ahead, m.replaying)
		}
		if len(m.readers) > 0 {
			busy++
			if m.suspect() {
				suspects++
			}
		}
	}
	if parked != f.parked || busy != len(f.busy) || suspects != f.suspects {
		f.w.t.Fatalf("%d parked, %d busy, %d suspect; counted are %d, %d and %d", parked, busy, suspects, f.parked, len(f.busy), f.suspects)
	}
}

// Clients come, go and read slowly while a topic is followed anew again and again, and each stream lags as it likes: each has
// every event once and in order from its answer on, and is told of a gap where one is missing.
func TestReadersMissNothingUnsaid(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 23))
			w := newTopic(t)
			names := []realtime.Channel{w.channel("a"), w.channel("b"), w.channel("c")}
			current := w.follow()
			current.Phase = PhaseCaughtUp
			var next *follower
			var clients []*listener
			told := 0
			for range 2000 {
				switch n := r.IntN(100); {
				case n < 30:
					w.publish(names[r.IntN(len(names))])
				case n < 50:
					current.hear(1 + r.IntN(12))
				case n < 52:
					if current.Break(); r.IntN(2) == 0 {
						current.work()
					}
				case n < 60:
					if len(clients) == 12 {
						continue
					}
					l := w.connect()
					l.Box.LimitReplays(20 + r.IntN(200))
					for _, c := range names {
						since := realtime.Position{}
						if r.IntN(2) == 0 && len(w.log) > 0 {
							m := w.log[r.IntN(len(w.log))]
							if since = m.Position(); m.Kind != realtime.KindPublication || m.Channel != c {
								since.ID = ""
							}
						}
						l.ask(current, c, since)
					}
					clients = append(clients, l)
				case n < 62 && len(clients) > 0:
					i := r.IntN(len(clients))
					for _, reader := range clients[i].readers {
						if q := reader.Question(); q != nil {
							q.Withdraw()
						}
						reader.End()
					}
					told += clients[i].judge()
					clients = append(clients[:i], clients[i+1:]...)
				case n < 85 && len(clients) > 0:
					clients[r.IntN(len(clients))].take(1 + r.IntN(100))
				case n < 87:
					failed := next
					next = w.follow()
					next.Phase = PhaseCaughtUp
					next.Replaces(current.Set)
					for failed != nil && current.GiveBack(failed.Set) {
						w.carryOut()
					}
					current.work()
				case next != nil:
					next.work()
					next.hear(1 + r.IntN(40))
					if next.heard > len(w.log)-5 && len(current.Busy()) == 0 {
						next.Alone()
						current, next = next, nil
					}
				}
				current.check()
				if next != nil {
					next.check()
				}
			}
			for _, l := range clients {
				told += l.judge()
			}
			if told < 1000 {
				t.Errorf("%d things were told, too little to prove anything", told)
			}
		})
	}
}

// judge checks all that a client was told, and returns how much that is.
func (l *listener) judge() (told int) {
	l.take(1 << 20)
	for c, news := range l.told {
		told += len(news)
		judge(l.w.t, l.w, c, news)
	}
	return told
}

// judge checks what a client was told of a channel against all that was published to it.
func judge(t testing.TB, w *topic, c realtime.Channel, news []string) {
	t.Helper()
	var published []string
	for i := range w.log {
		if w.log[i].Kind == realtime.KindPublication && w.log[i].Channel == c {
			published = append(published, w.log[i].ID)
		}
	}
	at, excused := -1, true // the place of the last event, and whether something may be missing before the next
	for _, what := range news {
		switch what {
		case "ok", "resumed", "ok gap", "gap":
			excused = true
			continue
		}
		n := -1
		for i, id := range published {
			if id == what {
				n = i
			}
		}
		if n <= at || n != at+1 && !excused {
			t.Fatalf("%s: %q came behind %d of %v, in %v", c.Name(), what, at, published, news)
		}
		at, excused = n, false
	}
}
