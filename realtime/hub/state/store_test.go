package state_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// store is what the keeper has saved.
type store struct{ w *world }

func (s store) Checkpoint(_ context.Context, _ realtime.Topic, c realtime.Channel) (*realtime.Checkpoint, error) {
	w := s.w
	if w.storeDown {
		return nil, realtime.Errorf(realtime.CodeUnavailable, "the store is down")
	}
	cp := &realtime.Checkpoint{Watermark: w.watermark}
	if !w.watermark.IsZero() {
		for _, m := range w.truth(c, w.saved) {
			e := realtime.StateEntry{Publication: m.Publication, Expires: m.Expires()}
			e.TTL = 0
			cp.Entries = append(cp.Entries, e)
		}
		slices.SortFunc(cp.Entries, func(a, b realtime.StateEntry) int { return strings.Compare(a.Key, b.Key) })
	}
	w.tell("checkpoint of %s as of %s: %s", c.Name(), w.watermark.Format("15:04:05.000"), brief(cp.Entries))
	w.inside++
	switch {
	case w.during != nil:
		w.during()
	case w.inside == 1:
		for range w.rand.IntN(20) {
			w.small()
		}
	}
	w.inside--
	return cp, nil
}

func brief(entries []realtime.StateEntry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%s:%s ", e.Key, e.ID)
	}
	return b.String()
}

func (store) Entries(context.Context, realtime.Topic, realtime.Channel, realtime.StateQuery) (*realtime.Checkpoint, bool, error) {
	panic("not called")
}

func (store) Watermark(context.Context, realtime.Topic) (time.Time, error) { panic("not called") }

func (store) Channels(context.Context, string, realtime.Pattern, int) ([]realtime.Channel, error) {
	panic("not called")
}

// truth is the state of a channel by the first messages of the log: the first copy of each, the newest of each key.
func (w *world) truth(c realtime.Channel, upTo int) map[string]realtime.Message {
	all, seen := map[string]realtime.Message{}, map[string]bool{}
	for _, m := range w.log[:upTo] {
		if m.Channel != c || m.Kind != realtime.KindPublication || seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		if most := time.Duration(w.rules(true).Rules(c.Namespace()).State.TTL); m.Op == realtime.OpSet && most > 0 && m.TTL == 0 {
			m.TTL = most
		}
		switch m.Op {
		case realtime.OpClear:
			clear(all)
		case realtime.OpDelete:
			delete(all, m.Key)
		default:
			all[m.Key] = m
		}
	}
	maps.DeleteFunc(all, func(_ string, m realtime.Message) bool { return m.TTL > 0 && !m.Expires().After(time.Now()) })
	return all
}

// save is what a keeper does, once it has read all there is.
func (w *world) save() { w.saved, w.watermark = len(w.log), time.UnixMilli(time.Now().UnixMilli()) }
