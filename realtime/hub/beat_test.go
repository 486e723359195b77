package hub_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// writes is a transport that notes what goes out in one write, and when.
type writes struct {
	t   *testing.T
	box *outbox.Outbox

	mu  sync.Mutex // guards all below
	all []written
}

type written struct {
	at     time.Time
	frames []wire.ServerFrame
}

func (w *writes) Flush() {
	if !w.box.Begin() {
		return
	}
	for {
		frames := w.box.Next(nil, 1<<16)
		if len(frames) == 0 {
			return
		}
		one := written{at: time.Now()}
		for _, f := range frames {
			one.frames = append(one.frames, decode(w.t, f))
		}
		w.mu.Lock()
		w.all = append(w.all, one)
		w.mu.Unlock()
	}
}

// taken returns what has been written since the last call.
func (w *writes) taken() []written {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.all
	w.all = nil
	return all
}

func (w *writes) Beat(time.Time) bool  { return true }
func (w *writes) Shut(*realtime.Error) {}

// A heartbeat that is due waits a little for a message that takes it along, goes before it, and goes alone if
// none comes.
func TestHeartbeatsJoinTheNextWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		box := outbox.New(wire.Encoder{}, nil)
		w := &writes{t: t, box: box}
		c, err := r.hub.Connect(r.tenant, &realtime.Principal{
			Tenant: "acme", User: "ann", Expires: time.Now().Add(24 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
		}, box, w)
		if err != nil {
			t.Fatal(err)
		}
		defer r.hub.Disconnect(c)
		if err := r.hub.Subscribe(c, hub.SubscribeRequest{ID: "1", Channel: r.channel("prices:fx")}); err != nil {
			t.Fatal(err)
		}
		for i := range 600 { // a message each second: every heartbeat finds one
			time.Sleep(time.Second)
			r.publish("prices:fx", strconv.Itoa(i))
			synctest.Wait()
		}
		beats := 0
		for _, one := range w.taken() {
			for i, f := range one.frames {
				if f.Type != wire.TypeHeartbeat {
					continue
				}
				beats++
				if i != 0 || len(one.frames) != 2 || one.frames[1].Type != wire.TypeMessage {
					t.Fatalf("%v was written with %+v, want it before a message", f, one.frames)
				}
				if f.AsOf >= one.frames[1].Time {
					t.Errorf("asOf %d vouches for a message of %d that comes behind it", f.AsOf, one.frames[1].Time)
				}
			}
		}
		if beats < 600/25-1 || beats > 600/25+1 {
			t.Errorf("%d heartbeats in ten minutes", beats)
		}
		time.Sleep(10 * time.Minute) // silence: each goes alone, in time
		synctest.Wait()
		if n := len(w.taken()); n < 600/25-1 || n > 600/25+1 {
			t.Errorf("%d heartbeats in ten silent minutes", n)
		}
	})
}

// Heartbeats of many connections do not go out together, also not of those that came together.
func TestHeartbeatsAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		const n = 2500
		var all []*writes
		for i := range n {
			box := outbox.New(wire.Encoder{}, nil)
			w := &writes{t: t, box: box}
			c, err := r.hub.Connect(r.tenant, &realtime.Principal{Tenant: "acme", User: fmt.Sprint(i), Expires: time.Now().Add(24 * time.Hour)}, box, w)
			if err != nil {
				t.Fatal(err)
			}
			defer r.hub.Disconnect(c)
			all = append(all, w)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		together := map[int64]int{}
		most, beats := 0, 0
		for _, w := range all {
			for _, one := range w.taken() {
				beats++
				slot := one.at.UnixMilli() / 50
				together[slot]++
				most = max(most, together[slot])
			}
		}
		// 100 a second; before, the hundred of a second went out at once.
		if beats < 3*n || most > 30 {
			t.Errorf("%d heartbeats, at most %d within 50 ms; evenly it would be 7", beats, most)
		}
	})
}
