package hub_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// truth is what channels hold by the simplest model there is: it reads the broker below all faults from its beginning, takes the first
// copy of each event, and keeps the newest of each key.
type truth struct {
	topic  realtime.Topic
	stream realtime.Stream
	rules  func(realtime.Channel) *realtime.State

	mu    sync.Mutex // guards what follows
	seen  map[realtime.Channel]map[string]int
	log   map[realtime.Channel][]realtime.Message // first copies
	fresh []realtime.StateChange                  // since the last save

	store *shakyStates
	saved time.Time // when
	dead  time.Time // until when nobody saves
}

func newTruth(t *testing.T, inner realtime.Broker, topic realtime.Topic, rules func(realtime.Channel) *realtime.State) *truth {
	t.Helper()
	s, err := inner.Follow(context.Background(), topic, realtime.Following{Instance: "truth", Generation: 1, Since: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	tr := &truth{
		topic: topic, stream: s, rules: rules, seen: map[realtime.Channel]map[string]int{}, log: map[realtime.Channel][]realtime.Message{},
		store: &shakyStates{States: memory.NewStates()}, saved: time.Now(),
	}
	return tr
}

// read reads until the broker is closed.
func (tr *truth) read() {
	for {
		batch, err := tr.stream.Receive(context.Background())
		if err != nil {
			return
		}
		for i := range batch {
			if batch[i].Kind == realtime.KindPublication {
				tr.add(&batch[i])
			}
		}
	}
}

func (tr *truth) add(m *realtime.Message) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c := m.Channel
	if tr.seen[c] == nil {
		tr.seen[c] = map[string]int{}
	}
	if _, again := tr.seen[c][m.ID]; again {
		return
	}
	tr.seen[c][m.ID] = len(tr.log[c])
	kept := *m
	kept.Tags = maps.Clone(m.Tags)
	if rules := tr.rules(c); rules != nil && kept.Op == realtime.OpSet && kept.Key != "" {
		full := rules.WithDefaults()
		if most := time.Duration(full.TTL); most > 0 && (kept.TTL == 0 || kept.TTL > most) {
			kept.TTL = most
		}
		if *full.Durable {
			tr.change(&kept)
		}
	} else if rules != nil && *rules.WithDefaults().Durable && (kept.Key != "" || kept.Op == realtime.OpClear) {
		tr.change(&kept)
	}
	tr.log[c] = append(tr.log[c], kept)
}

func (tr *truth) change(m *realtime.Message) {
	x := realtime.StateChange{Publication: m.Publication}
	x.If = nil
	if m.TTL > 0 && m.Op == realtime.OpSet {
		x.Expires = m.Time.Add(m.TTL)
	}
	tr.fresh = append(tr.fresh, x)
}

// state returns what a channel holds now.
func (tr *truth) state(c realtime.Channel) map[string]realtime.Message {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	all := map[string]realtime.Message{}
	for _, m := range tr.log[c] {
		switch {
		case m.Op == realtime.OpClear:
			clear(all)
		case m.Key == "":
		case m.Op == realtime.OpDelete:
			delete(all, m.Key)
		default:
			all[m.Key] = m
		}
	}
	maps.DeleteFunc(all, func(_ string, m realtime.Message) bool { return m.TTL > 0 && !m.Expires().After(time.Now()) })
	return all
}

// messages returns the log of a channel from an index on.
func (tr *truth) messages(c realtime.Channel, from int) []realtime.Message {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.log[c][min(from, len(tr.log[c])):])
}

// after returns the index behind an event; 0 if there is none.
func (tr *truth) after(c realtime.Channel, at realtime.Position) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if i, ok := tr.seen[c][at.ID]; ok {
		return i + 1
	}
	return 0
}

// alike reports whether who sees no data need not be told of one event behind another of its key: their tags are all there is to be seen.
func (tr *truth) alike(c realtime.Channel, one, other string) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	i, is := tr.seen[c][one]
	j, are := tr.seen[c][other]
	if !is || !are {
		return false
	}
	a, b := tr.log[c][i], tr.log[c][j]
	return a.TTL == 0 && b.TTL == 0 && maps.Equal(a.Tags, b.Tags) && a.Op == b.Op
}

func (tr *truth) len(c realtime.Channel) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.log[c])
}

// save writes what has changed to the store, as a keeper does, if it lives. Everything that was published before now has been read.
func (tr *truth) save(t *testing.T) {
	t.Helper()
	synctest.Wait()
	now := time.Now().Truncate(time.Millisecond)
	if now.Before(tr.dead) {
		return
	}
	tr.mu.Lock()
	changes := tr.fresh
	tr.fresh = nil
	tr.mu.Unlock()
	_, err := tr.store.Claim(context.Background(), tr.topic, "keeper", now.Add(time.Hour))
	// The newest of each key, behind the newest clear of its channel.
	newest, order := map[realtime.Channel]map[string]realtime.StateChange{}, []realtime.StateChange(nil)
	for _, x := range changes {
		if x.Op == realtime.OpClear {
			newest[x.Channel] = map[string]realtime.StateChange{"": x}
			continue
		}
		if newest[x.Channel] == nil {
			newest[x.Channel] = map[string]realtime.StateChange{}
		}
		newest[x.Channel][x.Key] = x
	}
	for _, keys := range newest {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			order = append(order, keys[key])
		}
	}
	if err == nil {
		mark := &realtime.StateMark{Watermark: now, Since: map[realtime.NamespaceRef]time.Time{{Tenant: "acme", Namespace: "*"}: time.Unix(1, 0)}}
		err = tr.store.Save(context.Background(), tr.topic, "keeper", order, mark)
	}
	if err != nil {
		t.Errorf("the keeper: %v", err)
	}
	tr.saved = now
}

// shakyStates is a store that fails for a while when it is told to.
type shakyStates struct {
	*memory.States
	tell func(string, ...any)
	mu   sync.Mutex // guards down
	down time.Time  // until when
	slow time.Duration
}

func (s *shakyStates) fail(d, slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.slow = time.Now().Add(d), slow
}

func (s *shakyStates) Checkpoint(ctx context.Context, topic realtime.Topic, c realtime.Channel) (*realtime.Checkpoint, error) {
	s.mu.Lock()
	down, slow := time.Now().Before(s.down), s.slow
	s.mu.Unlock()
	cp, err := s.States.Checkpoint(ctx, topic, c)
	if s.tell != nil && cp != nil {
		s.tell("checkpoint of %s as of %s: %v", c.Name(), cp.Watermark.Format("15:04:05.000"), entriesOf(cp.Entries))
	}
	if slow > 0 {
		time.Sleep(slow) // what it has read is older by then
	}
	if down {
		return nil, realtime.Errorf(realtime.CodeUnavailable, "the store is down")
	}
	return cp, err
}

func entriesOf(entries []realtime.StateEntry) (s string) {
	for _, e := range entries {
		s += e.Key + ":" + e.ID + " "
	}
	return s
}
