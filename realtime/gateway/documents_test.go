package gateway_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
)

// Whatever editors write, before, behind and while gateways are killed, networks are cut and brokers misbehave: in the end all of them have all of it, without
// coming back once more, and so has who comes late, also to a gateway that has just begun.
func TestDocumentsLoseNothing(t *testing.T) {
	t.Parallel()
	first, worlds := trial.Seed(t), trial.Number(t, "TIDEWIRE_WORLDS", 6*trial.Scale(t))
	t.Run("worlds", func(t *testing.T) {
		for seed := first; seed < first+worlds; seed++ {
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { newWorkshop(t, uint64(seed)).run() })
			})
		}
	})
}

// workshop is a world of gateways that are killed, and of editors of one document.
type workshop struct {
	*testing.T
	rand    *rand.Rand
	seed    uint64
	tenants *memory.Tenants
	states  realtime.StateStore
	store   *memory.States
	inner   *memory.Broker
	token   string

	brokers []*faultybroker.Broker
	places  []*place
	editors []*editor
	running sync.WaitGroup
	retired []*gateway.Gateway
}

func newWorkshop(t *testing.T, seed uint64) *workshop {
	w := &workshop{T: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 14)), inner: memory.NewBroker(memory.BrokerOptions{}), store: memory.NewStates()}
	doc := much()
	doc.Namespaces = map[string]realtime.Namespace{"docs": {State: &realtime.State{}}, "docs-awareness": {State: &realtime.State{Transient: true}}}
	doc.Limits.ConnectsPerSecond, doc.Limits.ConnectionsPerUser = 10000, 10000
	var err error
	if w.tenants, err = memory.NewTenants(doc); err != nil {
		t.Fatal(err)
	}
	w.states = &slowStates{StateStore: w.store, most: time.Duration(w.rand.IntN(400)) * time.Millisecond}
	signer, err := auth.NewSigner(doc)
	if err != nil {
		t.Fatal(err)
	}
	if w.token, err = signer.Sign(auth.Claims{User: "ann", Grants: everything(), Expires: time.Now().Add(10 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return w
}

// start starts a gateway with a broker of its own, in front of the one of all.
func (w *workshop) start() *bubbleListener {
	o := faultybroker.Options{}
	switch w.seed % 3 {
	case 1:
		o = faultybroker.Options{Seed: w.seed + uint64(len(w.brokers)), Delay: 0.02, DelayWithin: time.Second, LateReplay: 0.3, LateReplayWithin: time.Second, StallEvery: 10 * time.Second, StallWithin: time.Second}
	case 2:
		o = faultybroker.Rough(w.seed + uint64(len(w.brokers)))
	}
	broker := realtime.Broker(lagging{w.inner})
	if w.seed%3 != 0 {
		faulty := faultybroker.New(broker, o)
		w.brokers = append(w.brokers, faulty)
		broker = faulty
	}
	g, err := gateway.New(gateway.Options{Broker: broker, Tenants: w.tenants, States: w.states, DrainSpread: time.Millisecond})
	if err != nil {
		w.Fatal(err)
	}
	l := &bubbleListener{bubbleGateway: &bubbleGateway{t: w.T, conns: make(chan net.Conn), done: make(chan struct{})}, gateway: g, served: make(chan error, 1)}
	l.server = &http.Server{Handler: g, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)} //nolint:gosec // it listens to the test alone
	go func() { l.served <- l.server.Serve(l) }()
	return l
}

// replace kills the gateway at a place and puts another there.
func (w *workshop) replace(p *place, next *bubbleListener) {
	p.mu.Lock()
	old := p.gateway
	p.gateway = next
	p.mu.Unlock()
	if old != nil {
		w.running.Go(old.kill)
		w.retired = append(w.retired, old.gateway)
	}
}

// keeps saves checkpoints until ctx ends.
func (w *workshop) keeps(ctx context.Context) {
	k := keeper.New(keeper.Options{Broker: w.inner, Reader: w.inner, States: w.store, Tenants: w.tenants})
	for ctx.Err() == nil {
		_, _ = k.Run(ctx) // the next one tries again
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

func (w *workshop) editor(place int) *editor {
	e := newEditor(uint64(len(w.editors)+1), w.token, w.places[place].dial)
	w.editors = append(w.editors, e)
	w.running.Go(e.run)
	return e
}

// until waits until all editors have all that was written.
func (w *workshop) until(what string) {
	w.Helper()
	for range 300 {
		if w.same() {
			return
		}
		time.Sleep(time.Second)
	}
	for _, e := range w.editors {
		synced, doc := e.state()
		w.Logf("editor %d, synced %t, ended %q:\n%s", e.number, synced, e.heard, doc)
	}
	w.Fatalf("seed %d: waited in vain until %s", w.seed, what)
}

func (w *workshop) same() bool {
	all := newEdits()
	for _, e := range w.editors {
		e.mu.Lock()
		all.add(e.doc)
		e.mu.Unlock()
	}
	want := all.String()
	for _, e := range w.editors {
		if synced, doc := e.state(); !synced || doc != want {
			return false
		}
	}
	return true
}

func (w *workshop) run() {
	ctx, stop := context.WithCancel(context.Background())
	w.running.Go(func() { w.keeps(ctx) })
	for range 3 {
		w.places = append(w.places, &place{gateway: w.start()})
	}
	defer w.end(stop)
	if w.seed%3 != 0 {
		time.Sleep(90 * time.Second)
	}
	for i := range 5 {
		w.editor(i % 3)
	}
	w.until("all have begun")
	slow := w.rand.IntN(3) == 0
	for range 60 + w.rand.IntN(200) {
		w.step()
		switch n := w.rand.IntN(60); {
		case n < 20:
			time.Sleep(time.Duration(w.rand.IntN(30)) * time.Millisecond)
		case slow && n < 30:
			time.Sleep(time.Duration(w.rand.IntN(20)) * time.Second)
		}
	}
	for _, b := range w.brokers {
		b.Calm()
	}
	for _, e := range w.editors {
		e.set(true, false)
	}
	w.until("all have the same")
	w.editor(w.rand.IntN(3))
	w.replace(w.places[0], w.start())
	w.editor(0)
	w.until("those have it who come late")
	for _, e := range w.editors {
		if len(e.bad) > 0 {
			w.Errorf("editor %d: %q", e.number, e.bad)
		}
	}
}

func (w *workshop) step() {
	e, p := w.editors[w.rand.IntN(len(w.editors))], w.places[w.rand.IntN(len(w.places))]
	switch w.rand.IntN(20) {
	case 0:
		p.mu.Lock()
		p.breaks++
		p.mu.Unlock()
	case 1:
		p.gateway.cut()
	case 2:
		w.replace(p, w.start())
	case 3:
		e.set(false, false)
	case 4:
		e.set(true, false)
	default:
		for n := w.rand.IntN(6); n >= 0; n-- {
			e.write(w.rand)
		}
	}
}

// end ends everything.
func (w *workshop) end(stop func()) {
	for _, e := range w.editors {
		e.set(false, true)
	}
	for _, p := range w.places {
		w.replace(p, nil)
	}
	stop()
	w.running.Wait()
	for _, g := range w.retired {
		if err := g.Close(context.Background()); err != nil {
			w.Log(err)
		}
	}
	for _, b := range w.brokers {
		_ = b.Close(context.Background())
	}
	_ = w.inner.Close(context.Background())
}
