package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// stateWatermark: it is that of the last mark, and never goes back.
func stateWatermark(s *states) {
	is := func(want time.Time) {
		s.Helper()
		for _, store := range []States{s.store, s.other} {
			got, err := store.Watermark(s.Context(), s.topic)
			if err != nil || !got.Equal(want) || got.IsZero() != want.IsZero() {
				s.Errorf("%v, %v, want %v", got, err, want)
			}
		}
	}
	is(time.Time{})
	s.claim(s.store, "k1")
	is(time.Time{})
	s.save(10, s.set("a", "1", 0))
	is(s.now.Add(10 * time.Millisecond))
	s.save(5, s.set("a", "2", 1))
	is(s.now.Add(10 * time.Millisecond))
	if err := s.store.Save(s.Context(), s.topic, "k1", []realtime.StateChange{s.set("b", "3", 1)}, nil); err != nil {
		s.Fatal(err)
	}
	is(s.now.Add(10 * time.Millisecond))
	s.holds("a=2", "b=3")
	s.save(20)
	is(s.now.Add(20 * time.Millisecond))
}

// stateMark: whoever claims has what was saved.
func stateMark(s *states) {
	want := s.marked(10)
	want.Since[realtime.NamespaceRef{Tenant: "globex", Namespace: "a/b.c__"}] = s.now
	want.Since[realtime.NamespaceRef{Tenant: "globex", Namespace: "none"}] = time.Time{}
	want.Pending = map[realtime.NamespaceRef]realtime.PendingState{{Tenant: "globex", Namespace: "later"}: {At: s.now, Since: s.now.Add(-time.Minute)}}
	for i := range uint64(3000) {
		want.Recent = append(want.Recent, realtime.RecentPublication{Channel: i << 60, ID: ^i, Time: s.now.UnixMilli() + int64(i)})
	}
	if got := s.claim(s.store, "k1"); !got.Watermark.IsZero() || len(got.Since)+len(got.Pending)+len(got.Recent) != 0 {
		s.Errorf("of what was never kept: %+v", got)
	}
	if err := s.store.Save(s.Context(), s.topic, "k1", nil, want); err != nil {
		s.Fatal(err)
	}
	is := func(got *realtime.StateMark) {
		s.Helper()
		if diff := cmp.Diff(want, got, comparer()); diff != "" {
			s.Errorf("(-want +got):\n%s", diff)
		}
	}
	is(s.claim(s.other, "k1"))
	released, err := s.store.Claim(s.Context(), s.topic, "k1", time.Time{})
	if err != nil {
		s.Fatal(err)
	}
	is(released)
	is(s.claim(s.other, "k2"))
	want = &realtime.StateMark{Watermark: s.now.Add(time.Second)}
	if err := s.other.Save(s.Context(), s.topic, "k2", nil, want); err != nil {
		s.Fatal(err)
	}
	if got := s.claim(s.other, "k2"); len(got.Since)+len(got.Pending)+len(got.Recent) != 0 {
		s.Errorf("a mark that says less leaves %+v", got)
	}
}

// statesNotKept: a channel of a namespace that nobody keeps looks as one of which nothing was ever saved.
func statesNotKept(s *states) {
	kept, named, left := s.set("a", "1", 0), s.set("a", "2", 0), s.set("a", "3", 0)
	named.Channel, left.Channel = s.channel("acme", "prices:fx"), s.channel("acme", "chat")
	s.save(0, kept, named, left)
	mark := &realtime.StateMark{Watermark: s.now, Since: map[realtime.NamespaceRef]time.Time{
		{Tenant: "acme", Namespace: "*"}:       s.now.Add(-time.Second),
		{Tenant: "acme", Namespace: "prices"}:  s.now.Add(-time.Second),
		{Tenant: "acme", Namespace: "chat"}:    {},
		{Tenant: "globex", Namespace: "fleet"}: s.now.Add(-time.Second),
	}}
	if err := s.store.Save(s.Context(), s.topic, "k1", nil, mark); err != nil {
		s.Fatal(err)
	}
	for name, entries := range map[string]int{"fleet:eu": 1, "prices:fx": 1, "chat": 0} {
		if got := s.checkpoint(name); len(got.Entries) != entries || got.Watermark.IsZero() != (entries == 0) {
			s.Errorf("%s: %+v", name, got)
		}
	}
	for _, c := range []realtime.Channel{s.channel("globex", "fleet:eu"), s.channel("globex", "prices")} {
		got, err := s.store.Checkpoint(s.Context(), s.topic, c)
		if err != nil || got.Watermark.IsZero() == (c.Namespace() == "fleet") {
			s.Errorf("%v: %+v, %v", c, got, err)
		}
	}
}

// statesSince: what is older than the state is whole is not told.
func statesSince(s *states) {
	s.save(0, s.set("a", "1", -2), s.set("b", "2", 0), s.set("c", "3", 1))
	mark := s.marked(5)
	mark.Since[realtime.NamespaceRef{Tenant: "acme", Namespace: "fleet"}] = s.now
	if err := s.store.Save(s.Context(), s.topic, "k1", nil, mark); err != nil {
		s.Fatal(err)
	}
	s.holds("b=2", "c=3")
}

// stateClaims: there is one keeper at a time.
func stateClaims(s *states) {
	try := func(w States, keeper string, until time.Duration, want realtime.Code) {
		s.Helper()
		at := time.Time{}
		if until != 0 {
			at = time.Now().Add(until)
		}
		_, err := w.Claim(s.Context(), s.topic, keeper, at)
		if realtime.CodeOf(err) != want && (err != nil || want != "") {
			s.Errorf("claim for %s: %v, want %q", keeper, err, want)
		}
	}
	try(s.store, "k1", 0, "") // it lets go what nobody has
	try(s.store, "k1", time.Hour, "")
	try(s.other, "k2", time.Hour, realtime.CodeConflict)
	try(s.other, "k2", 0, "")
	try(s.other, "k2", time.Hour, realtime.CodeConflict)
	try(s.other, "k1", time.Hour, "")
	try(s.store, "k1", 0, "")
	try(s.other, "k2", -time.Second, "")
	try(s.store, "k1", time.Hour, "")
	try(s.other, "k2", time.Hour, realtime.CodeConflict)
	try(s.store, "", time.Hour, realtime.CodeBadRequest)
	if _, err := s.other.Claim(s.Context(), "tw-globex", "k2", time.Now().Add(time.Hour)); err != nil {
		s.Errorf("another topic: %v", err)
	}
}

// staleStateKeeper: one whose claim another one has taken over saves nothing.
func staleStateKeeper(s *states) {
	if err := s.store.Save(s.Context(), s.topic, "k1", []realtime.StateChange{s.set("a", "0", 0)}, s.marked(0)); realtime.CodeOf(err) != realtime.CodeConflict {
		s.Errorf("one that has claimed nothing: %v", err)
	}
	if _, err := s.store.Claim(s.Context(), s.topic, "k1", time.Now().Add(-time.Second)); err != nil {
		s.Fatal(err)
	}
	if err := s.store.Save(s.Context(), s.topic, "k1", []realtime.StateChange{s.set("a", "1", 0)}, s.marked(1)); err != nil {
		s.Errorf("one that is late, while nobody else has claimed: %v", err)
	}
	s.claim(s.other, "k2")
	if err := s.other.Save(s.Context(), s.topic, "k2", []realtime.StateChange{s.set("a", "2", 5), s.del("b", "3", 5)}, s.marked(5)); err != nil {
		s.Fatal(err)
	}
	err := s.store.Save(s.Context(), s.topic, "k1", []realtime.StateChange{s.set("a", "4", 6), s.set("b", "5", 6), s.clear("6", 7)}, s.marked(7))
	if realtime.CodeOf(err) != realtime.CodeConflict {
		s.Errorf("one whose topic has another keeper: %v", err)
	}
	s.holds("a=2")
	if w, err := s.store.Watermark(s.Context(), s.topic); err != nil || !w.Equal(s.now.Add(5*time.Millisecond)) {
		s.Errorf("the watermark is %v, %v", w, err)
	}
}
