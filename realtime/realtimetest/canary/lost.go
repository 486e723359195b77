package canary

import (
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/words"
)

// nobody is whose words are that are to be on no wire.
const nobody = "nobody"

// lose publishes what has to lose by its condition, to each channel: with a key that nobody has had, and with one that has perhaps a value.
// Nobody is ever to see anything of it.
func (w *World) lose() error {
	if w.server.PublishIf == nil {
		return nil
	}
	for _, channel := range channels() {
		w.mu.Lock()
		fresh, known := words.New(w.rng), fmt.Sprint("v", w.rng.IntN(5))
		is := realtime.ConditionPresent
		if w.has(channel, known) {
			is = realtime.ConditionAbsent
		}
		first, err1 := w.loser(channel, fresh, realtime.ConditionPresent)
		second, err2 := w.loser(channel, known, is)
		w.words.Add(fresh, &word{text: fresh, of: first, client: nobody, place: inKey, to: nobody})
		w.mu.Unlock()
		if err1 != nil || err2 != nil {
			return fmt.Errorf("%w, %w", err1, err2)
		}
		for _, p := range []*realtime.Publication{first, second} {
			applied, err := w.server.PublishIf(p)
			if err != nil {
				return fmt.Errorf("publish with a condition: %w", err)
			}
			if applied {
				return fmt.Errorf("a publication on %s counts, though its key %q is not %s", channel, p.Key, p.If.Is)
			}
		}
	}
	return nil
}

// has reports whether a key has a value. The caller holds the lock.
func (w *World) has(channel, key string) bool {
	for i := len(w.log) - 1; i >= 0; i-- {
		if p := w.log[i].of; p.Key == key && p.Channel.Name() == channel {
			return p.Op == realtime.OpSet
		}
	}
	return false
}

// loser makes a publication. The caller holds the lock.
func (w *World) loser(channel, key string, is realtime.ConditionKind) (*realtime.Publication, error) {
	name, err := w.channel(channel)
	if err != nil {
		return nil, err
	}
	w.number++
	p := &realtime.Publication{Channel: name, ID: fmt.Sprint("l", w.number), Key: key, If: &realtime.Condition{Is: is}}
	add := func(at place) string {
		made := &word{text: words.New(w.rng), of: p, client: nobody, place: at, to: nobody}
		w.words.Add(made.text, made)
		return made.text
	}
	p.Tags = map[string]string{ClientTag: Shared, "note": add(inTag)}
	p.EventType, p.Source = "moved."+add(inType), "//sources/"+add(inSource)
	p.Data, err = json.Marshal(map[string]any{Shown: add(inData), Hidden: add(inData), Deep: map[string]any{add(inName): add(inData)}})
	return p, err
}
