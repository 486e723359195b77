package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// States is a store and its writer, which are one in most drivers.
type States interface {
	realtime.StateStore
	realtime.StateWriter
}

// TestStates runs the contracts of realtime.StateStore and realtime.StateWriter against a driver. Each case has a store of its own and runs in parallel
// with the others.
func TestStates(t *testing.T, h Harness) {
	h = h.withDefaults()
	cases := []struct {
		name string
		run  func(*states)
	}{
		{"Carries", (*states).carries},
		{"OddNames", (*states).oddNames},
		{"Newest", (*states).newest},
		{"NewestOfKeys", newestOfKeys},
		{"Deletes", (*states).deletes},
		{"Clears", (*states).clears},
		{"ClearsAtOneTime", (*states).clearsAtOneTime},
		{"Expiry", (*states).expiry},
		{"ChannelsAreApart", (*states).channelsAreApart},
		{"Channels", (*states).channels},
		{"Watermark", stateWatermark},
		{"Mark", stateMark},
		{"NotKept", statesNotKept},
		{"Since", statesSince},
		{"Claims", stateClaims},
		{"StaleKeeper", staleStateKeeper},
		{"Bulk", (*states).bulk},
		{"Pages", (*states).pages},
		{"Large", (*states).large},
		{"BadChanges", (*states).badChanges},
		{"Cancelled", (*states).cancelled},
		{"Model", (*states).model},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stores := h.States(t)
			s := &states{T: t, harness: h, store: stores[0], other: stores[1], now: time.Now().Truncate(time.Millisecond), topic: "tw-acme"}
			c.run(s)
		})
	}
}

// states is where one case of TestStates runs.
type states struct {
	*testing.T
	harness      Harness
	store, other States
	now          time.Time
	topic        realtime.Topic
}

func (s *states) channel(tenant, name string) realtime.Channel {
	s.Helper()
	c, err := realtime.NewChannel(tenant, name)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// set is a change of a key of acme's fleet:eu, so many ms from now; the value is the ID.
func (s *states) set(key, id string, ms int) realtime.StateChange {
	return realtime.StateChange{Publication: realtime.Publication{
		Channel: s.channel("acme", "fleet:eu"), Key: key, ID: id, Data: fmt.Appendf(nil, "%q", id), Time: s.now.Add(time.Duration(ms) * time.Millisecond),
	}}
}

func (s *states) del(key, id string, ms int) realtime.StateChange {
	c := s.set(key, id, ms)
	c.Op, c.Data = realtime.OpDelete, nil
	return c
}

func (s *states) clear(id string, ms int) realtime.StateChange {
	c := s.del("", id, ms)
	c.Op = realtime.OpClear
	return c
}

// marked is a mark of all namespaces of acme, so many ms from now.
func (s *states) marked(ms int) *realtime.StateMark {
	return &realtime.StateMark{
		Watermark: s.now.Add(time.Duration(ms) * time.Millisecond),
		Since:     map[realtime.NamespaceRef]time.Time{{Tenant: "acme", Namespace: "*"}: s.now.Add(-time.Hour)},
	}
}

// claim makes a keeper the one of the topic.
func (s *states) claim(w States, keeper string) *realtime.StateMark {
	s.Helper()
	mark, err := w.Claim(s.Context(), s.topic, keeper, time.Now().Add(time.Hour))
	if err != nil {
		s.Fatalf("claim for %s: %v", keeper, err)
	}
	return mark
}

// save saves as keeper k1, which it claims first.
func (s *states) save(ms int, changes ...realtime.StateChange) {
	s.Helper()
	s.claim(s.store, "k1")
	if err := s.store.Save(s.Context(), s.topic, "k1", changes, s.marked(ms)); err != nil {
		s.Fatalf("save: %v", err)
	}
}

// checkpoint reads a channel of acme by both stores, which agree.
func (s *states) checkpoint(name string) *realtime.Checkpoint {
	s.Helper()
	c := s.channel("acme", name)
	first, err := s.store.Checkpoint(s.Context(), s.topic, c)
	if err != nil {
		s.Fatal(err)
	}
	second, err := s.other.Checkpoint(s.Context(), s.topic, c)
	if err != nil {
		s.Fatal(err)
	}
	if diff := cmp.Diff(first, second, comparer()); diff != "" {
		s.Errorf("two processes differ:\n%s", diff)
	}
	return first
}

// comparer compares what has channels in it, and times as moments.
func comparer() cmp.Option {
	return cmp.Options{
		cmp.Comparer(func(a, b realtime.Channel) bool { return a == b }),
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b []byte) bool { return string(a) == string(b) }), // a megabyte, byte by byte, takes seconds
	}
}

// holds fails unless acme's fleet:eu has these keys with these IDs: "key=id".
func (s *states) holds(want ...string) {
	s.Helper()
	var got []string
	for _, e := range s.checkpoint("fleet:eu").Entries {
		got = append(got, e.Key+"="+e.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("(-want +got):\n%s", diff)
	}
}

func (s *states) cancelled() {
	s.save(0, s.set("a", "1", 0))
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	c := s.channel("acme", "fleet:eu")
	_, err := s.store.Checkpoint(ctx, s.topic, c)
	_, _, err2 := s.store.Entries(ctx, s.topic, c, realtime.StateQuery{})
	_, err3 := s.store.Watermark(ctx, s.topic)
	_, err4 := s.store.Claim(ctx, s.topic, "k1", s.now.Add(time.Hour))
	err5 := s.store.Save(ctx, s.topic, "k1", []realtime.StateChange{s.set("a", "2", 1)}, s.marked(1))
	for what, err := range map[string]error{"Checkpoint": err, "Entries": err2, "Watermark": err3, "Claim": err4, "Save": err5} {
		if err == nil {
			s.Errorf("%s with a cancelled context returned no error", what)
		}
	}
	s.holds("a=1")
}
