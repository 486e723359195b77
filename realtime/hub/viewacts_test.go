package hub_test

import (
	"maps"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// live takes a number of random steps.
func (w *viewWorld) live(steps int) {
	for range steps {
		w.world.live(1)
		w.act(w.viewers[w.rand.IntN(len(w.viewers))])
		switch n := w.rand.IntN(1000); {
		case n < 4:
			w.truth.dead = time.Now().Add(time.Duration(w.rand.IntN(600)) * time.Second)
		case n < 10:
			w.obey(w.otherRules)
		case n < 16:
			w.truth.store.fail(time.Duration(w.rand.IntN(60))*time.Second, time.Duration(w.rand.IntN(3000))*time.Millisecond)
		}
		if time.Since(w.truth.saved) > 40*time.Second {
			w.truth.save(w.t)
		}
	}
}

// act lets a viewer do something.
func (w *viewWorld) act(v *viewer) {
	switch n := w.rand.IntN(100); {
	case n < 12:
		v.connect(w.hubs[w.rand.IntN(len(w.hubs))])
	case n < 15:
		v.disconnect()
	case v.seat == nil:
		v.becomeOther(n)
	case n < 20:
		v.stumble(w.rand.IntN(8000))
	case n < 32:
		v.tune(v.views[w.rand.IntN(len(v.views))], w.wish())
	case n < 34 && !v.fixed:
		v.renew([]string{"", "a", "b"}[w.rand.IntN(3)], w.rand.IntN(4) == 0)
	case n < 36:
		v.leave(v.views[w.rand.IntN(len(v.views))])
	}
}

// obey puts the rules of the beginning in force, with a change.
func (w *viewWorld) obey(change func(map[string]realtime.Namespace)) {
	doc := *w.rules
	doc.Version = w.tenant.Load().Version + 1
	doc.Namespaces = maps.Clone(w.rules.Namespaces)
	change(doc.Namespaces)
	w.story.tell("rules %+v", doc.Namespaces)
	w.tenant.Store(&doc)
	for _, h := range w.hubs {
		h.Update(&doc)
	}
}

// becomeOther changes what a viewer may see, or wants, while it is away.
func (v *viewer) becomeOther(n int) {
	switch {
	case n < 40 && !v.fixed:
		v.desk, v.blind = []string{"", "a", "b"}[v.w.rand.IntN(3)], v.w.rand.IntN(3) == 0
		for _, sc := range v.views {
			sc.retune(sc.want)
		}
	case n < 60:
		sc, want := v.views[v.w.rand.IntN(len(v.views))], v.w.wish()
		if !sc.state && want.MaxRate == 0 && !want.Paused {
			want.MaxRate = 3
		}
		sc.retune(want)
	}
}

// otherRules changes some rules.
func (w *viewWorld) otherRules(all map[string]realtime.Namespace) {
	if w.rand.IntN(2) == 0 {
		tick := all["tick"]
		tick.State = nil
		all["tick"] = tick
	}
	ruled := all["ruled"]
	ruled.Enforce = []string{"", "desk a", "desk b"}[w.rand.IntN(3)]
	all["ruled"] = ruled
	rated := all["rated"]
	rated.Rate = []*realtime.Rate{nil, {Max: 3}, {Max: 100}}[w.rand.IntN(3)]
	all["rated"] = rated
}

// stumble stops reading for a while.
func (v *viewer) stumble(ms int) {
	s := v.seat
	s.mu.Lock()
	s.stuck = true
	s.mu.Unlock()
	v.w.closing.Go(func() {
		time.Sleep(time.Duration(ms) * time.Millisecond)
		s.mu.Lock()
		s.stuck = false
		s.mu.Unlock()
		s.Flush()
	})
}

// tune changes how the viewer wants a channel.
func (v *viewer) tune(sc *screen, want hub.Want) {
	s := v.seat
	s.mu.Lock()
	asked := want
	if !sc.state && want.MaxRate == 0 && !want.Paused {
		asked.MaxRate = 3
	}
	before := sc.want
	v.w.story.tell("%s %s tunes to %+v", v.name, sc.channel.Name(), asked)
	sc.retune(asked)
	s.mu.Unlock()
	_, err := s.conn.Tune(sc.channel, "", func(hub.Want) (hub.Want, error) { return asked, nil })
	if err != nil {
		s.mu.Lock()
		sc.retune(before) // it is not subscribed at the moment
		s.mu.Unlock()
	}
}

// retune says that a screen is to show something else from now on.
func (sc *screen) retune(want hub.Want) {
	sc.want, sc.seen = want, true
	if !sc.state {
		sc.restart(realtime.Position{})
	}
}

// renew gives the viewer a token that shows another desk, or no data.
func (v *viewer) renew(desk string, blind bool) {
	s := v.seat
	s.mu.Lock()
	before, saw := v.desk, v.blind
	v.desk, v.blind = desk, blind
	for _, sc := range v.views {
		sc.retune(sc.want)
	}
	s.mu.Unlock()
	v.w.story.tell("%s renews for %q, blind %v", v.name, desk, blind)
	if _, err := s.conn.Renew(v.principal()); err != nil {
		v.desk, v.blind = before, saw
	}
}

// leave ends a subscription and asks anew, or goes on from where it stands.
func (v *viewer) leave(sc *screen) {
	s := v.seat
	s.mu.Lock()
	sc.asked = ""
	s.mu.Unlock()
	if !s.hub.Unsubscribe(s.conn, sc.channel, "") {
		return
	}
	synctest.Wait()
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if !over {
		s.ask(sc)
	}
}
