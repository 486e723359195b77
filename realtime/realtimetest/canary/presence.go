package canary

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/capture"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/words"
)

// inPresence is where a word stands that a viewer has entered a channel with: those see it whose tokens grant the channel.
const inPresence place = "the data of a member"

// presence returns the acts about who is there, and about what is read.
func presence() []Act {
	shown := func(f Features) bool { return f.Presence }
	return []Act{
		{Name: "enter", Needs: shown, Do: enter},
		{Name: "watch", Needs: shown, Do: watchPresence},
		{Name: "presence as state", Needs: func(f Features) bool { return f.Presence && f.State }, Do: presenceAsState},
		{Name: "presence without a grant", Needs: shown, Do: unseen},
		{Name: "presence by HTTP", Needs: func(f Features) bool { return f.PresenceHTTP }, Do: presenceByHTTP},
	}
}

// granted is a channel that the viewer's token grants.
func granted(v *Viewer) string {
	names := v.told.token.Channels
	if names == nil {
		names = channels()
	}
	return names[v.rng.IntN(len(names))]
}

// refused are the channels that it does not grant.
func refused(v *Viewer) (names []string) {
	for _, name := range channels() {
		if !within(v.told.token.Channels, name) {
			names = append(names, name)
		}
	}
	return names
}

// enter enters a channel with a word, and sees itself there.
func enter(v *Viewer) error {
	if v.streams != nil {
		return nil
	}
	channel := granted(v)
	made, err := v.world.entered(channel)
	if err != nil {
		return err
	}
	answer, err := v.Ask(map[string]any{"type": "presence", "channel": channel, "enter": map[string]any{"name": made.text}, "watch": v.rng.IntN(2) == 0})
	if err != nil {
		return err
	}
	if answer.Code == "limited" {
		return nil // it has entered enough
	}
	for _, h := range v.world.find(answer.Raw) {
		if h.Word == made {
			return nil
		}
	}
	return fmt.Errorf("who has entered does not see itself: %s", answer.Raw)
}

// entered makes a word that is to be seen by those who may see a channel.
func (w *World) entered(channel string) (*word, error) {
	name, err := w.channel(channel)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	made := &word{text: words.New(w.rng), of: &realtime.Publication{Channel: name}, client: Shared, place: inPresence}
	w.words.Add(made.text, made)
	return made, nil
}

// watchPresence watches a channel.
func watchPresence(v *Viewer) error {
	if v.streams != nil {
		return nil
	}
	f, err := v.Ask(map[string]any{"type": "presence", "channel": granted(v)})
	if err == nil && f.Type != "presence" && f.Type != "ok" {
		err = fmt.Errorf("a watch is answered %s", f.Raw)
	}
	return err
}

// presenceAsState reads the state of who is there.
func presenceAsState(v *Viewer) error {
	if v.streams != nil {
		return nil
	}
	f, err := v.Ask(map[string]any{"type": "subscribe", "channel": "$presence:" + granted(v), "state": true})
	if err == nil && f.Type != "ok" && f.Code != "conflict" { // which it is if it has it already
		err = fmt.Errorf("a subscription to presence is answered %s", f.Raw)
	}
	return err
}

// unseen asks for what it has no grant for, in each way: the presence on channels, and the demand.
func unseen(v *Viewer) error {
	if v.streams != nil {
		return nil
	}
	frames := []map[string]any{{"type": "subscribe", "channel": "$answers:anybody", "state": true}, {"type": "subscribe", "channel": "$demand:other", "state": true}}
	if !v.told.token.Demand {
		frames = append(frames, map[string]any{"type": "subscribe", "channel": "$demand:" + demandedNamespace, "state": true})
	}
	for _, channel := range refused(v) {
		frames = append(frames,
			map[string]any{"type": "presence", "channel": channel},
			map[string]any{"type": "presence", "channel": channel, "enter": map[string]any{"name": "x"}},
			map[string]any{"type": "subscribe", "channel": channel, "occupancy": true},
			map[string]any{"type": "subscribe", "channel": "$presence:" + channel, "state": true})
	}
	for _, frame := range frames {
		f, err := v.Ask(frame)
		if err != nil {
			return err
		}
		if f.Type != "error" || f.Code != "forbidden" {
			return fmt.Errorf("%v without a grant is answered %s", frame, f.Raw)
		}
	}
	return nil
}

// presenceByHTTP asks who is on each channel, and for the lists that its token is not for.
func presenceByHTTP(v *Viewer) error {
	token, err := tokenOf(v, v.told.token)
	if err != nil {
		return err
	}
	for _, channel := range channels() {
		want := http.StatusOK
		if !within(v.told.token.Channels, channel) {
			want = http.StatusForbidden
		}
		if err := get(v, "/channels/"+channel+"/presence", token, want); err != nil {
			return err
		}
	}
	if err := get(v, "/channels", token, http.StatusForbidden); err != nil {
		return err
	}
	want := http.StatusForbidden
	if v.told.token.Demand {
		want = http.StatusOK
	}
	return errors.Join(get(v, "/demand?namespace="+demandedNamespace, token, want), get(v, "/demand?namespace=other", token, http.StatusForbidden))
}

// get makes a call of the management API, and judges every byte of its answer.
func get(v *Viewer, path, token string, want int) error {
	w := v.world
	address, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	a, err := capture.Get(w.ctx, w.server.HistoryURL, "/v1/tenants/"+w.tenant+address, values, token, w.options.Patience)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // what counts has been read
	if a.Status != want {
		return fmt.Errorf("GET %s is answered %d, not %d: %.300s", path, a.Status, want, a.Body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	of := v.told.view()
	for _, h := range append(w.words.Find(a.Tap.Part(0, a.Tap.Len())), w.words.Find(a.Body)...) {
		if !of.shows(h.Word) {
			w.leaks = append(w.leaks, Leak{v.User, []string{"GET " + path}, string(h.Word.place), h.Word.client, h.Form, h.Near})
		}
	}
	return nil
}
