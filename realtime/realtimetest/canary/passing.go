package canary

import (
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// AllPassing is the pattern of the channels whose events with a key are transient: readers of their state see them, and nothing keeps them. Who may
// read fleet:x may read passing:x.
const AllPassing = "passing:**"

// passing are the names of these channels.
func passing(channels []string) (names []string) {
	for _, name := range channels {
		names = append(names, strings.Replace(name, "fleet:", "passing:", 1))
	}
	return names
}

// granting is the channel by whose grant one may be read.
func granting(name string) string { return strings.Replace(name, "passing:", "fleet:", 1) }

// passes returns the acts about what is transient.
func passes() []Act {
	needs := func(f Features) bool { return f.Transient }
	return []Act{
		{Name: "passing state", Needs: needs, Do: readPassing},
		{Name: "what has passed", Needs: needs, Do: askPassed},
	}
}

// tokenOf is a token of rights, with which the channel may be read that is for tracked keys.
func tokenOf(v *Viewer, r Rights) (string, error) {
	f := v.world.server.Features
	if r.Channels != nil && f.Demand {
		r.Channels = append([]string{tracked}, r.Channels...)
	}
	if r.Channels != nil && f.Transient {
		r.Channels = append(passing(r.Channels), r.Channels...)
	}
	return v.world.server.Token(v.User, r)
}

// pass publishes something transient.
func (w *World) pass() error {
	w.mu.Lock()
	channel := passing(channels())[w.rng.IntN(len(channels()))]
	client := append(clients(), Shared)[w.rng.IntN(len(clients())+1)]
	p := &realtime.Publication{Transient: true, Key: client + fmt.Sprint(w.rng.IntN(2))}
	if w.rng.IntN(6) == 0 {
		p.Op = realtime.OpDelete
	}
	w.mu.Unlock()
	_, err := w.send(p, channel, client, false)
	return err
}

// passSome publishes some of it.
func (w *World) passSome() error {
	if !w.server.Features.Transient {
		return nil
	}
	for range 3 {
		if err := w.pass(); err != nil {
			return err
		}
	}
	return nil
}

// readPassing reads the states of what is transient, beside what else it reads: perhaps a part of what the token grants.
func readPassing(v *Viewer) error {
	if v.streams != nil {
		return nil
	}
	for _, channel := range passing(channels()) {
		if !within(v.told.token.Channels, granting(channel)) || v.conn.passing[channel] || v.rng.IntN(4) == 0 {
			continue
		}
		if _, err := v.Call(map[string]any{"type": "subscribe", "channel": channel, "state": true}); err != nil {
			return err
		}
		v.conn.passing[channel] = true
	}
	return nil
}

// awaitPassing waits for a last publication on each channel that is read with what is transient.
func awaitPassing(v *Viewer) error {
	for channel := range v.conn.passing {
		p, err := v.world.send(&realtime.Publication{Transient: true, Key: "last"}, channel, Shared, false)
		if err != nil {
			return err
		}
		main := v.world.mainOf(p)
		if err := v.conn.wait(v.world.options.Patience, "a transient publication on "+channel, func() bool { return v.conn.seen[main] }); err != nil {
			return err
		}
	}
	return nil
}

// mainOf is the main word of a publication.
func (w *World) mainOf(p *realtime.Publication) *word {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for i := len(w.log) - 1; i >= 0; i-- {
		if w.log[i].of == p {
			return w.log[i]
		}
	}
	return nil
}

// askPassed asks on a connection of its own for what is transient in all ways in which nobody is given it: without state, from somewhere on, by a rewind, as
// history, while more is published.
func askPassed(v *Viewer) error {
	beside := newViewer(v.world, v.User, v.rng)
	beside.told.policy, beside.told.passed, beside.done = v.told.policy, true, v.done
	r := v.rights()
	if err := beside.connect(r); err != nil {
		return err
	}
	defer beside.leave()
	frames := []map[string]any{{}}
	if f := v.world.server.Features; f.Rewind {
		frames = append(frames, map[string]any{"rewind": 50}, map[string]any{"rewind": "10m"})
	}
	for i, channel := range passing(channels()) {
		if !within(r.Channels, granting(channel)) {
			continue
		}
		if err := v.world.pass(); err != nil {
			return err
		}
		position := ""
		for n, options := range frames {
			frame := map[string]any{"type": "subscribe", "channel": channel, "sub": fmt.Sprint(i, "-", n)}
			for name, value := range options {
				frame[name] = value
			}
			answer, err := beside.Call(frame)
			if err != nil {
				return err
			}
			position = answer.Position
		}
		if err := v.world.pass(); err != nil {
			return err
		}
		if _, err := beside.Ask(map[string]any{"type": "subscribe", "channel": channel, "since": position, "sub": fmt.Sprint(i)}); err != nil {
			return err
		}
		if v.world.server.Features.History {
			if _, err := beside.Ask(map[string]any{"type": "history", "channel": channel, "limit": 100}); err != nil {
				return err
			}
		}
		if err := historyPassed(beside, channel, r); err != nil {
			return err
		}
	}
	for range 5 {
		if err := v.world.pass(); err != nil {
			return err
		}
	}
	_, err := beside.Call(map[string]any{"type": "ping"})
	return err
}

// historyPassed asks the management API for the history of a channel.
func historyPassed(v *Viewer, channel string, r Rights) error {
	if !v.world.server.Features.Retained {
		return nil
	}
	token, err := tokenOf(v, r)
	if err != nil {
		return err
	}
	a, _, err := page(v, channel, token, map[string][]string{"limit": {"100"}}, v.told.view(), map[*word]bool{})
	if err == nil && a.Status != 200 {
		err = fmt.Errorf("history of %s is answered %d: %s", channel, a.Status, a.Body)
	}
	return err
}
