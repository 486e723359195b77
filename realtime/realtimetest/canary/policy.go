package canary

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// policies returns the acts that change what the tenant lets everybody see.
func policies() []Act {
	return []Act{{Name: "policy", Do: policy}}
}

// policy changes the rules of the tenant, which reach open subscriptions within seconds.
func policy(v *Viewer) error {
	w := v.world
	if w.server.Policy == nil {
		return nil
	}
	for _, other := range w.viewers {
		if other.told.paused {
			return nil // nobody could tell when they hold for it
		}
	}
	f := w.server.Features
	var r Rights
	if f.Filters {
		r.Clients = v.some(clients(), Shared)
	}
	if f.Columns {
		r.Columns = v.some([]string{Hidden, Deep}, Shown)
	}
	all := append([]*Viewer{w.witness}, w.viewers...) // what holds for the witness is known to the server
	for _, other := range all {
		other.tell(func(t *told) {
			before := t.view()
			t.changing, t.next = true, r
			if other.conn != nil {
				other.conn.begin(before, t.after())
			}
		})
	}
	if err := w.during(func() error { return w.server.Policy(r) }); err != nil {
		return err
	}
	for _, other := range all {
		if err := other.adopt(); err != nil {
			return fmt.Errorf("%s: %w", other.User, err)
		}
	}
	return nil
}

// attend reads a channel with a token that shows all of it.
func attend(v *Viewer) error {
	if err := v.connect(Rights{Channels: channels()}); err != nil {
		return err
	}
	_, err := v.subscribe(channels()[0], nil)
	return err
}

// after is what holds with the next policy.
func (t *told) after() view {
	next := *t
	next.policy = t.next
	return next.view()
}

// adopt waits until the next policy holds for a viewer, which no frame says: until all that it shows comes, and
// nothing of what it hides.
func (v *Viewer) adopt() error {
	before, after := v.told.view(), v.told.after()
	for began := time.Now(); v.conn != nil && len(v.told.reads) > 0; time.Sleep(10 * time.Millisecond) {
		holds := true
		for channel := range v.told.reads {
			last, ok, err := v.probe(channel, before, after)
			if err != nil {
				return err
			}
			if holds = holds && ok; holds {
				v.conn.holds = last
			}
		}
		if holds {
			v.conn.beginAt(v.conn.holds, after)
			break
		}
		if time.Since(began) > v.world.options.Patience {
			return errors.New("a policy does not hold in time")
		}
	}
	v.tell(func(t *told) { t.policy, t.changing = t.next, false })
	v.drop(func(*word) bool { return true })
	return nil
}

// probe publishes something of each client, and reports whether what comes is what is shown after a change, with the frame behind it.
func (v *Viewer) probe(channel string, before, after view) (last Frame, ok bool, err error) {
	v.world.mu.RLock()
	from := len(v.world.log)
	v.world.mu.RUnlock()
	for _, client := range append(clients(), "", Shared) { // "" as what is deleted without tags
		if _, err := v.world.send(&realtime.Publication{}, channel, client, false); err != nil {
			return Frame{}, false, err
		}
	}
	v.world.mu.RLock()
	probes := v.world.log[from:]
	var words []*word
	for _, made := range v.world.words {
		for _, p := range probes {
			if made.of == p.of {
				words = append(words, made)
			}
		}
	}
	v.world.mu.RUnlock()
	final := probes[len(probes)-1]
	last, err = v.conn.await(v.world.options.Patience, "a shared publication on "+channel, 0, func(f Frame) bool {
		for _, h := range v.world.find(f.Raw) {
			if h.Word == final {
				return true
			}
		}
		return false
	})
	for _, made := range words {
		if before.shows(made) != after.shows(made) && v.conn.has(made) != after.shows(made) {
			return last, false, err
		}
	}
	return last, true, err
}
