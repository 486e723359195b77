package realtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/realtimetest"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestResumeProperty is the claim of the resume: in a world where hubs start and
// stop, clients come, go and change hubs, records are evicted and the broker misbehaves within
// its contract, each client has had every Publication of its channels once and in order since its first
// answer, or was told gap at that very place; and every subscribe is answered in bounded
// time. TIDEWIRE_STEPS sets the number of steps, over all worlds; TIDEWIRE_SEED the first seed.
func TestResumeProperty(t *testing.T) {
	t.Parallel()
	steps, worlds := number(t, "TIDEWIRE_STEPS", 16_000), 8
	seed := number(t, "TIDEWIRE_SEED", 1)
	var mu sync.Mutex
	var sum realtimetest.Counts
	t.Run("worlds", func(t *testing.T) {
		for i := range worlds {
			t.Run(strconv.Itoa(seed+i), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, uint64(seed+i))
					w.live(steps / worlds)
					c := w.end()
					mu.Lock()
					defer mu.Unlock()
					add(&sum, c)
				})
			})
		}
	})
	if sum.Answers == 0 || sum.Delivered == 0 || sum.Resumed == 0 || sum.Gaps == 0 {
		t.Errorf("the worlds are too quiet to prove anything: %+v", sum)
	}
	t.Logf("%d steps: %d published, %d delivered, %d answers, %d resumed, %d gaps of which %d false (%.1f%% of answers), slowest answer %v",
		steps, sum.Published, sum.Delivered, sum.Answers, sum.Resumed, sum.Gaps, sum.FalseGaps,
		100*float64(sum.FalseGaps)/float64(max(1, sum.Answers)), sum.SlowestAnswer)
}

func number(t *testing.T, name string, standard int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return standard
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func add(sum *realtimetest.Counts, c realtimetest.Counts) {
	sum.Published += c.Published
	sum.Delivered += c.Delivered
	sum.Answers += c.Answers
	sum.Resumed += c.Resumed
	sum.Gaps += c.Gaps
	sum.FalseGaps += c.FalseGaps
	sum.SlowestAnswer = max(sum.SlowestAnswer, c.SlowestAnswer)
}

// world is some hubs, publishers and clients on one broker, in a bubble.
type world struct {
	t       *testing.T
	rand    *rand.Rand
	checker *realtimetest.Checker
	inner   *memory.Broker
	broker  *realtimetest.FaultyBroker
	tenant  *realtime.Tenant
	chans   []realtime.Channel
	pubs    []*realtime.Publisher
	hubs    []*realtime.Hub
	born    int // hubs ever
	sent    int // events ever
	clients []*wanderer
	busy    sync.WaitGroup // publishes under way
	closing sync.WaitGroup // hubs and connections that end
	story   story
}

// story keeps what happened, for whoever has to find out why a claim failed. It is
// printed when TIDEWIRE_STORY is set.
type story struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (s *story) tell(format string, args ...any) {
	if os.Getenv("TIDEWIRE_STORY") == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// Write takes the hubs' log lines.
func (s *story) Write(line []byte) (int, error) {
	s.tell("%s", bytes.TrimSpace(line))
	return len(line), nil
}

// answerWithin is what a Hub promises, two of its sweeps, and the longest time that a client
// of this world does not read.
const answerWithin = 50 * time.Second

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)),
		checker: realtimetest.NewChecker(realtimetest.CheckerOptions{AnswerWithin: answerWithin}),
		tenant: &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{
			"short": {Window: 15},
			"quick": {WindowFor: realtime.Duration(20 * time.Second)},
			"tick":  {Tick: realtime.Duration(20 * time.Millisecond)},
		}},
		inner: memory.NewBroker(memory.BrokerOptions{}),
	}
	w.tenant.Limits.QueueMessages = 64
	w.broker = realtimetest.NewFaultyBroker(w.checker.Tap(w.inner), realtimetest.Rough(seed))
	for _, name := range []string{"plain:1", "plain:2", "plain:silent", "short:1", "quick:1", "tick:1"} {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		w.chans = append(w.chans, c)
	}
	for range 3 {
		w.pubs = append(w.pubs, realtime.NewPublisher(w.broker, realtime.PublisherOptions{Timeout: 5 * time.Second}))
	}
	for range 3 {
		w.hubs = append(w.hubs, w.newHub())
	}
	for i := range 10 {
		w.clients = append(w.clients, &wanderer{w: w, name: fmt.Sprintf("client%d", i), client: realtimetest.NewClient(fmt.Sprintf("client%d", i), w.checker)})
	}
	return w
}

func (w *world) newHub() *realtime.Hub {
	w.born++
	return realtime.NewHub(w.broker, realtime.HubOptions{Instance: fmt.Sprintf("hub%d", w.born), Encoder: wire.Encoder{},
		Pace:   realtime.Pace{Skew: time.Millisecond}, // they have one clock here
		Logger: slog.New(slog.NewTextHandler(&w.story, &slog.HandlerOptions{Level: slog.LevelDebug}))})
}

// live takes a number of random steps.
func (w *world) live(steps int) {
	for range steps {
		c := w.clients[w.rand.IntN(len(w.clients))]
		switch n := w.rand.IntN(100); {
		case n < 50:
			w.publish(1 + w.rand.IntN(4))
		case n < 52:
			w.publish(40)
		case n < 64:
			c.connect(w.hubs[w.rand.IntN(len(w.hubs))])
		case n < 74:
			c.disconnect()
		case n < 79:
			c.stumble(w.rand.IntN(8000))
		case n < 82:
			c.leave(w.chans[w.rand.IntN(len(w.chans))])
		case n < 84:
			w.replaceHub(w.rand.IntN(len(w.hubs)))
		}
		w.pause()
	}
}

// pause lets time pass: mostly milliseconds, sometimes minutes.
func (w *world) pause() {
	switch n := w.rand.IntN(1000); {
	case n < 600:
		time.Sleep(time.Duration(w.rand.IntN(5)) * time.Millisecond)
	case n < 900:
		time.Sleep(time.Duration(w.rand.IntN(500)) * time.Millisecond)
	case n < 990:
		time.Sleep(time.Duration(w.rand.IntN(20)) * time.Second)
	case n < 999:
		time.Sleep(time.Duration(w.rand.IntN(8)) * time.Minute)
	default:
		time.Sleep(time.Hour)
	}
	synctest.Wait()
}

// publish publishes some events to one channel, and again what failed, as a producer does.
func (w *world) publish(n int) {
	channel := w.chans[w.rand.IntN(len(w.chans))]
	if channel.Name() == "plain:silent" && w.rand.IntN(20) > 0 {
		return
	}
	p := w.pubs[w.rand.IntN(len(w.pubs))]
	pubs := make([]realtime.Publication, n)
	for i := range pubs {
		w.sent++
		pubs[i] = realtime.Publication{Channel: channel, ID: strconv.Itoa(w.sent), Key: strconv.Itoa(w.rand.IntN(5)), Data: []byte("1")}
	}
	w.story.tell("published %s %s to %s", channel.Name(), pubs[0].ID, pubs[n-1].ID)
	w.busy.Go(func() {
		for try := 0; len(pubs) > 0 && try < 20; try++ {
			err := p.Publish(context.Background(), w.tenant, pubs)
			if err == nil {
				return
			}
			pubs = failed(pubs, err)
			time.Sleep(time.Second)
		}
	})
}

// failed returns those of pubs that have to be published again.
func failed(pubs []realtime.Publication, err error) []realtime.Publication {
	var e *realtime.PublishError
	if !errors.As(err, &e) {
		return nil
	}
	again := make([]realtime.Publication, len(e.Failed))
	for i, f := range e.Failed {
		again[i] = pubs[f.Index]
	}
	return again
}

// replaceHub ends an instance, as a deployment or a crash does, and starts another.
func (w *world) replaceHub(i int) {
	old := w.hubs[i]
	w.hubs[i] = w.newHub()
	w.closing.Go(func() {
		if err := old.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
}

// end lets what is under way arrive, judges, and takes the world down.
func (w *world) end() realtimetest.Counts {
	w.broker.Calm()
	w.busy.Wait()
	for _, c := range w.clients {
		c.settle()
	}
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	w.checker.Finish()
	for _, c := range w.clients {
		c.disconnect()
	}
	for i := range w.hubs {
		w.replaceHub(i)
	}
	w.closing.Wait()
	for _, h := range w.hubs {
		if err := h.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
	if err := w.broker.Close(); err != nil {
		w.t.Error(err)
	}
	if err := w.inner.Close(); err != nil {
		w.t.Error(err)
	}
	if err := w.checker.Err(); err != nil {
		w.t.Error(err)
		for _, line := range w.story.lines {
			w.t.Log(line)
		}
	}
	return w.checker.Counts()
}

// wanderer is a client that goes from hub to hub.
type wanderer struct {
	w      *world
	name   string
	client *realtimetest.Client

	mu    sync.Mutex // guards visit
	visit *visit
}

// visit is one connection of a wanderer; it is the connection's transport.
type visit struct {
	who  *wanderer
	hub  *realtime.Hub
	conn *realtime.Connection
	told *realtimetest.ClientConnection
	box  *realtime.Outbox

	mu    sync.Mutex // held while frames are read; guards what follows
	stuck bool
	over  bool
}

// connect opens a connection to a hub, asks for the client's channels where it stands, and
// then closes the one before, or the other way round.
func (c *wanderer) connect(h *realtime.Hub) {
	c.mu.Lock()
	old := c.visit
	c.mu.Unlock()
	if old != nil && c.w.rand.IntN(2) == 0 {
		old.end()
		old = nil
	}
	v := &visit{who: c, hub: h, told: c.client.Open(), box: realtime.NewOutbox(nil)}
	conn, err := h.Connect(c.w.tenant, &realtime.Principal{
		Tenant: "acme", User: c.name, Expires: time.Now().Add(100 * time.Hour),
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}, v.box, v)
	if err != nil {
		v.told.Close()
		return
	}
	v.conn = conn
	for _, channel := range c.w.chans {
		v.ask(channel)
	}
	c.mu.Lock()
	c.visit = v
	c.mu.Unlock()
	if old != nil {
		// The new one is to have its answers before the old one goes.
		time.Sleep(time.Duration(c.w.rand.IntN(2000)) * time.Millisecond)
		synctest.Wait()
		old.end()
	}
}

func (c *wanderer) disconnect() {
	c.mu.Lock()
	v := c.visit
	c.visit = nil
	c.mu.Unlock()
	if v != nil {
		v.end()
	}
}

// stumble stops reading for a while, or for good if the queue overflows.
func (c *wanderer) stumble(ms int) {
	c.mu.Lock()
	v := c.visit
	c.mu.Unlock()
	if v == nil {
		return
	}
	v.mu.Lock()
	v.stuck = true
	v.mu.Unlock()
	c.w.closing.Go(func() {
		time.Sleep(time.Duration(ms) * time.Millisecond)
		v.mu.Lock()
		v.stuck = false
		v.mu.Unlock()
		v.Flush()
	})
}

func (c *wanderer) leave(channel realtime.Channel) {
	c.mu.Lock()
	v := c.visit
	c.mu.Unlock()
	if v == nil {
		return
	}
	v.mu.Lock()
	reads := !v.over && !v.stuck
	v.mu.Unlock()
	if !reads || !v.hub.Unsubscribe(v.conn, channel) {
		return
	}
	synctest.Wait() // what was queued has been read
	if !v.ended() {
		v.told.Leave(channel)
		v.ask(channel)
	}
}

// settle makes sure the client is connected for the end.
func (c *wanderer) settle() {
	for range 5 {
		c.mu.Lock()
		v := c.visit
		c.mu.Unlock()
		if v != nil && !v.ended() {
			return
		}
		c.connect(c.w.hubs[0])
		time.Sleep(time.Minute)
		synctest.Wait()
	}
}

func (v *visit) ended() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.over
}

func (v *visit) ask(channel realtime.Channel) {
	v.mu.Lock()
	if v.over {
		v.mu.Unlock()
		return
	}
	q := v.told.Ask(channel)
	v.mu.Unlock()
	v.who.w.story.tell("%s %s %s: ask since %s asOf %d", v.who.name, v.hub.Instance(), channel.Name(), q.Since, q.AsOf.Time)
	err := v.hub.Subscribe(v.conn, realtime.SubscribeRequest{
		Channel: channel, Since: q.Since, AsOf: q.AsOf.Time,
		Answer: func(a realtime.Answer) realtime.Frame {
			return wire.SubscribeOK("", wire.Subscribed{Channel: channel, Resumed: a.Resumed, Gap: a.Gap, Position: a.Position})
		},
		Refuse: func(err *realtime.Error) realtime.Frame { return wire.Error("", channel.Name(), err) },
	})
	if err != nil {
		v.end()
	}
}

// end closes the connection from the client's side.
func (v *visit) end() {
	v.mu.Lock()
	v.over = true
	v.told.Close()
	v.mu.Unlock()
	v.hub.Disconnect(v.conn)
}

func (v *visit) Beat(time.Time) bool { return true }

func (v *visit) Shut(*realtime.Error) {
	v.who.w.closing.Go(func() {
		v.Flush()
		v.end()
	})
}

func (v *visit) Flush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stuck || !v.box.Begin() {
		return
	}
	for {
		frames := v.box.Next(nil, 1<<10, wire.Encoder{}.Dropped)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			if !v.over {
				v.hear(decode(v.who.w.t, f))
			}
		}
	}
}

func (v *visit) hear(f wire.ServerFrame) {
	if f.Type == wire.TypeHeartbeat {
		v.told.Heartbeat(realtime.Position{Time: f.AsOf})
		return
	}
	if f.Channel == "" {
		return
	}
	channel, err := realtime.NewChannel("acme", f.Channel)
	if err != nil {
		v.who.w.t.Error(err)
		return
	}
	at, err := realtime.ParsePosition(f.Position)
	if err != nil {
		v.who.w.t.Error(err)
	}
	v.who.w.story.tell("%s %s %s: %s %s resumed=%v gap=%v %s", v.who.name, v.hub.Instance(), f.Channel, f.Type, f.Position, f.Resumed, f.Gap, f.Code)
	switch f.Type {
	case wire.TypeOK:
		v.told.Answer(channel, f.Resumed, f.Gap, at)
	case wire.TypeMessage:
		v.told.Message(channel, at)
	case wire.TypeNotice:
		v.told.Gap(channel, at)
	case wire.TypeError: // refused: the client comes again
		v.over = true
		v.told.Close()
		v.who.w.closing.Go(func() { v.hub.Disconnect(v.conn) })
	}
}
