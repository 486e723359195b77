package hub_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestTransientProperty is the claim of transient state: whenever the stream is whole again and nothing is under way, every reader has the
// newest of each key that has not been removed and is not over, on whatever instance, however long it has been there, and when what it saw is over, it
// is gone everywhere. Nothing of it is in what other readers of the channel are given, nor in any history.
//
// The hubs live on a broker that refuses, repeats, delays, breaks and ends streams; they are killed, and clients come, go and stumble. What is published
// is removed, or left behind, as by a gateway that has died.
func TestTransientProperty(t *testing.T) {
	t.Parallel()
	worlds, steps, seed := trial.Number(t, "TIDEWIRE_WORLDS", 4), trial.Number(t, "TIDEWIRE_STEPS", 1200), trial.Seed(t)
	for i := range worlds {
		t.Run(strconv.Itoa(seed+i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newViewWorld(t, uint64(seed+i))
				w.passing(steps / worlds)
			})
		})
	}
}

// passing takes random steps in a world whose one channel with cursors is read as state and in other ways.
func (w *viewWorld) passing(steps int) {
	board, err := realtime.NewChannel("acme", "board:1")
	if err != nil {
		w.t.Fatal(err)
	}
	doc := *w.tenant.Load()
	doc.Version++
	doc.Namespaces["board"] = realtime.Namespace{State: &realtime.State{Transient: true}}
	w.tenant.Store(&doc)
	w.rules = &doc
	w.chans, w.more, w.clients = []realtime.Channel{board}, nil, nil
	w.dress = func(p *realtime.Publication) {
		p.Key, p.Tags, p.Data = "c"+strconv.Itoa(w.rand.IntN(8)), map[string]string{"desk": string("ab"[w.rand.IntN(2)]), "odd": strconv.Itoa(w.rand.IntN(2))}, []byte(`"passes `+p.ID+`"`)
		p.TTL = time.Duration(w.rand.IntN(4)*10) * time.Second
		switch w.rand.IntN(12) {
		case 0, 1:
			p.Op, p.Data, p.TTL, p.Tags = realtime.OpDelete, nil, 0, nil
		case 2:
			p.Key, p.TTL, p.Data = "", 0, []byte(`"stays"`) // an event like any other
		}
	}
	w.viewers = nil
	for i := range 8 {
		v := &viewer{w: w, name: fmt.Sprintf("viewer%d", i), desk: []string{"", "", "a"}[i%3]}
		v.watch(board)
		v.views[0].state = true
		v.views[0].want.Paused = false
		w.viewers = append(w.viewers, v)
	}
	plain := w.plainReader(board)
	for range steps {
		v := w.viewers[w.rand.IntN(len(w.viewers))]
		switch n := w.rand.IntN(100); {
		case n < 60:
			w.publish(1 + w.rand.IntN(6))
		case n < 72:
			v.connect(w.hubs[w.rand.IntN(len(w.hubs))])
		case n < 78:
			v.disconnect()
		case n < 80:
			w.replaceHub(w.rand.IntN(len(w.hubs)))
		}
		if w.rand.IntN(4) == 0 {
			plain.come(w.hubs[w.rand.IntN(len(w.hubs))])
		}
		w.pause()
	}
	w.judgePassing(board, plain)
}

// judgePassing lets the streams become whole, and looks at what all have while something is there, and when all of it is over.
func (w *viewWorld) judgePassing(board realtime.Channel, plain *plainReader) {
	w.broker.Calm()
	w.busy.Wait()
	time.Sleep(3 * time.Minute)
	w.settle()
	keys := 0
	for range 5 {
		w.publish(6)
		w.publish(6)
		w.busy.Wait()
		time.Sleep(8 * time.Second) // longer than any reader of this world is behind
		synctest.Wait()
		keys += len(w.truth.state(board))
		for _, v := range w.viewers {
			v.look((*screen).judge)
		}
	}
	if keys == 0 {
		w.t.Error("nothing was there to be seen")
	}
	time.Sleep(realtime.TransientTTL + 5*time.Second)
	synctest.Wait()
	for _, v := range w.viewers {
		v.look(func(sc *screen) {
			if len(sc.keys) > 0 {
				sc.fail("has %s when all is over", brief(sc.keys))
			}
		})
		v.disconnect()
	}
	plain.come(w.hubs[0])
	time.Sleep(time.Minute)
	synctest.Wait()
	if strings.Contains(plain.heard(), "passes") || !strings.Contains(plain.heard(), "stays") {
		w.t.Errorf("a reader of events was given %.2000s", plain.heard())
	}
	plain.leave()
	if err := w.truth.stream.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	w.close()
	for _, f := range w.faults[:min(len(w.faults), 20)] {
		w.t.Error(f)
	}
	if w.t.Failed() {
		for _, line := range w.story.lines {
			w.t.Log(line)
		}
	}
}

// plainReader reads a channel as events, from the beginning of what there is on, and as changes at a rate, from one connection after another.
type plainReader struct {
	w    *viewWorld
	c    realtime.Channel
	hub  *hub.Hub
	page *page
	said strings.Builder
}

func (w *viewWorld) plainReader(c realtime.Channel) *plainReader { return &plainReader{w: w, c: c} }

// come leaves, and comes to another hub.
func (p *plainReader) come(h *hub.Hub) {
	p.leave()
	one := &page{t: p.w.t, box: outbox.New(wire.Encoder{}, nil)}
	conn, err := h.Connect(p.w.tenant.Load(), (&viewer{w: p.w, name: "plain"}).principal(), one.box, one)
	if err != nil {
		return
	}
	one.conn, p.hub, p.page = conn, h, one
	for i, req := range []hub.SubscribeRequest{
		{Channel: p.c, Since: realtime.Position{Time: time.Now().Add(-time.Minute).UnixMilli()}}, {Channel: p.c, Sub: "rated", Want: hub.Want{MaxRate: 10}},
	} {
		req.ID = strconv.Itoa(i)
		_ = h.Subscribe(conn, req) // it may be closing
	}
}

func (p *plainReader) leave() {
	if p.page == nil {
		return
	}
	p.heard()
	p.hub.Disconnect(p.page.conn)
	p.page = nil
}

// heard is all that it was given.
func (p *plainReader) heard() string {
	if p.page != nil {
		for _, f := range p.page.take() {
			p.said.Write(f.Data)
		}
	}
	return p.said.String()
}

// look shows the first screen of a viewer that is connected, while nothing changes it.
func (v *viewer) look(at func(*screen)) {
	v.seat.mu.Lock()
	defer v.seat.mu.Unlock()
	at(v.views[0])
}
