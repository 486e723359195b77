package hub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestResumeProperty is the claim of the resume: in a world where hubs start and
// stop, clients come, go and change hubs, records are evicted and the broker misbehaves within
// its contract, each client has had every Publication of its channels once and in order since its first
// answer, or was told gap at that very place; and every subscribe is answered in bounded
// time. TIDEWIRE_STEPS sets the number of steps, over all worlds; TIDEWIRE_SEED the first seed.
func TestResumeProperty(t *testing.T) {
	t.Parallel()
	worlds := 3 * trial.Scale(t)
	steps := trial.Number(t, "TIDEWIRE_STEPS", 1000*worlds)
	seed := trial.Seed(t)
	var mu sync.Mutex
	var sum resumetest.Counts
	inWorlds(t, seed, worlds, func(t *testing.T, seed uint64) {
		w := newWorld(t, seed)
		w.live(steps / worlds)
		c := w.end()
		if added := w.broker.Stats().Added; single(seed) != (added > 0) {
			t.Errorf("channels were added or removed %d times", added)
		}
		mu.Lock()
		defer mu.Unlock()
		add(&sum, c)
	})
	if sum.Answers == 0 || sum.Delivered == 0 || sum.Resumed == 0 || sum.Gaps == 0 {
		t.Errorf("the worlds are too quiet to prove anything: %+v", sum)
	}
	t.Logf("%d steps: %d published, %d delivered, %d answers, %d resumed, %d gaps of which %d false (%.1f%% of answers), slowest answer %v",
		steps, sum.Published, sum.Delivered, sum.Answers, sum.Resumed, sum.Gaps, sum.FalseGaps,
		100*float64(sum.FalseGaps)/float64(max(1, sum.Answers)), sum.SlowestAnswer)
}

func add(sum *resumetest.Counts, c resumetest.Counts) {
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
	checker *resumetest.Checker
	inner   *memory.Broker
	broker  *faultybroker.Broker
	tenant  atomic.Pointer[realtime.Tenant]
	chans   []realtime.Channel
	pubs    []*publish.Publisher
	hubs    []*hub.Hub
	born    int          // hubs ever
	sent    int          // events ever
	asked   atomic.Int64 // questions ever
	clients []*wanderer
	busy    sync.WaitGroup // publishes under way
	closing sync.WaitGroup // hubs and connections that end
	story   story
	roams   bool                        // somebody subscribes to a pattern now and then, so that hubs follow the whole topic for a while
	losses  *losses                     // nil: the checker judges alone
	more    []realtime.Channel          // that wanderers do not read
	dress   func(*realtime.Publication) // nil: what is published is plain
	options func(*hub.Options)          // nil: hubs are plain
	cut     int                         // to how many readers something is given at a time; 0 is as many as usual
}

// answerWithin is what a Hub promises (TestSubscribeIsAnsweredIn41Seconds) and the longest time that a client of this world
// does not read, with a second for one that reads slowly.
const answerWithin = 50 * time.Second

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)),
		checker: resumetest.NewChecker(resumetest.CheckerOptions{AnswerWithin: answerWithin}),
		inner:   memory.NewBroker(memory.BrokerOptions{SingleChannels: single(seed)}),
	}
	tenant := &realtime.Tenant{ID: "acme", Namespaces: map[string]realtime.Namespace{
		"short": {Window: 15},
		"quick": {WindowFor: realtime.Duration(20 * time.Second)},
		"long":  {WindowFor: realtime.Duration(10 * time.Minute)},
		"tick":  {Tick: realtime.Duration(20 * time.Millisecond)},
	}}
	tenant.Limits.QueueMessages = 64
	w.tenant.Store(tenant)
	w.broker = faultybroker.New(w.checker.Tap(w.inner), faultybroker.Rough(seed))
	names := []string{"plain:1", "plain:2", "plain:silent", "short:1", "quick:1", "tick:1"}
	if single(seed) { // of the last one nothing has been evicted that the topic still keeps: only what Add has said tells what is missing
		names = append(names, "long:1")
		w.roams = true
	}
	for _, name := range names {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		w.chans = append(w.chans, c)
	}
	for range 3 {
		w.pubs = append(w.pubs, newPublisher(w.broker))
	}
	for range 3 {
		w.hubs = append(w.hubs, w.newHub())
	}
	for i := range 10 {
		c := &wanderer{w: w, name: fmt.Sprintf("client%d", i), client: resumetest.NewClient(fmt.Sprintf("client%d", i), w.checker), chans: w.chans}
		if single(seed) {
			c.chans = w.some()
		}
		w.clients = append(w.clients, c)
	}
	return w
}

// some are channels of a world, so few that most of them are read nowhere now and then.
func (w *world) some() (all []realtime.Channel) {
	for _, c := range w.chans {
		if w.rand.IntN(3) == 0 {
			all = append(all, c)
		}
	}
	return all
}

// single reports whether the hubs of a world follow single channels.
func single(seed uint64) bool { return seed%2 == 1 }

func newPublisher(b realtime.Broker) *publish.Publisher {
	return publish.New(b, publish.Options{Timeout: 5 * time.Second, Placement: realtime.Placed(4)})
}

func (w *world) newHub() *hub.Hub {
	w.born++
	o := hub.Options{Instance: fmt.Sprintf("hub%d", w.born), Payload: wire.Compact, Placement: realtime.Placed(4),
		Pace:   hub.Pace{Skew: 100 * time.Millisecond}, // they have one clock here, and the broker inverts less
		Logger: slog.New(slog.NewTextHandler(&w.story, &slog.HandlerOptions{Level: slog.LevelDebug})).With(realtime.KeyInstance, w.born)}
	if w.options != nil {
		w.options(&o)
	}
	h := hub.New(w.broker, o)
	h.CutFanOuts(w.cut)
	return h
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
		case n < 85 && w.roams:
			w.roam(w.hubs[w.rand.IntN(len(w.hubs))], time.Duration(w.rand.IntN(600))*time.Second)
		}
		w.pause()
	}
}

// roam has somebody subscribe to a pattern, of whom nothing is judged.
func (w *world) roam(h *hub.Hub, lasts time.Duration) {
	tr := newTransport(w)
	tr.over = true // it hears nothing
	conn, err := h.Connect(w.tenant.Load(), &realtime.Principal{
		Tenant: "acme", User: "roamer", Expires: time.Now().Add(100 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}, tr.box, deaf{tr})
	if err != nil {
		return // it is going away
	}
	if err := hub.SubscribePattern(conn, &hub.PatternRequest{Pattern: "plain:*", Begins: wire.Encoder{}.Heartbeat}); err != nil {
		w.t.Error(err)
	}
	w.closing.Go(func() {
		time.Sleep(lasts)
		h.Disconnect(conn)
	})
}

// deaf is the transport of a connection of which nothing is judged.
type deaf struct{ *transport }

func (deaf) Shut(*realtime.Error) {}

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
	if n := len(w.more); n > 0 && w.rand.IntN(6) == 0 {
		channel = w.more[w.rand.IntN(n)]
	}
	if channel.Name() == "plain:silent" && w.rand.IntN(20) > 0 {
		return
	}
	p := w.pubs[w.rand.IntN(len(w.pubs))]
	pubs := make([]realtime.Publication, n)
	for i := range pubs {
		w.sent++
		pubs[i] = realtime.Publication{Channel: channel, ID: strconv.Itoa(w.sent), Key: strconv.Itoa(w.rand.IntN(5)), Data: []byte("1")}
		if w.dress != nil {
			w.dress(&pubs[i])
		}
	}
	w.story.tell("published %s %s to %s", channel.Name(), pubs[0].ID, pubs[n-1].ID)
	w.busy.Go(func() {
		asked := time.Now()
		for try := 0; len(pubs) > 0 && try < 20; try++ {
			err := p.Publish(context.Background(), w.tenant.Load(), pubs)
			w.losses.published(pubs, err, asked)
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
	var e *publish.Error
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

// end lets what is under way arrive, takes the world down, and judges.
func (w *world) end() resumetest.Counts {
	w.close()
	if err := w.checker.Err(); err != nil {
		w.t.Error(err)
		for _, line := range w.story.lines {
			w.t.Log(line)
		}
	}
	return w.checker.Counts()
}

// close lets what is under way arrive, and takes the world down.
func (w *world) close() {
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
	closeAll(w.t, w.hubs, w.broker, w.inner)
}
