package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// carries: an entry is all that was published.
func (s *states) carries() {
	full := s.set("v1", "1", -1000)
	full.Tags = map[string]string{"client": "x", "a.b/c": "", "__y__": "ü"}
	full.TTL, full.Expires = time.Hour, full.Time.Add(time.Hour)
	full.EventType, full.Source, full.ContentType = "com.example.moved", "/fleet/é", "text/plain"
	full.Data = []byte(`{"lat":48.1,"name":"☃"}`)
	bare := s.set("v2", "2", -1000)
	bare.Data = nil
	s.save(0, full, bare)
	got := s.checkpoint("fleet:eu")
	want := &realtime.Checkpoint{Watermark: s.now, Entries: []realtime.StateEntry{
		{Publication: full.Publication, Expires: full.Expires}, {Publication: bare.Publication},
	}}
	if len(got.Entries) == 2 && len(got.Entries[1].Data) == 0 {
		got.Entries[1].Data = nil
	}
	if diff := cmp.Diff(want, got, comparer()); diff != "" {
		s.Errorf("(-want +got):\n%s", diff)
	}
	full.Tags["client"] = "changed by its owner"
	if s.checkpoint("fleet:eu").Entries[0].Tags["client"] == "changed by its owner" {
		s.Error("the caller's tags are the store's")
	}
}

// oddNames are keys and channels that mean something to somebody, each of which has a value of its own.
func (s *states) oddNames() {
	keys := []string{
		"a/b", "a%2Fb", "a%252Fb", "a", "/", "//", ".", "..", "...", "%", "%2E", "__a__", "__", "_", "%5F_a__", "a@example.com", " ", "a ", "*", "ü/☃", "`a`", "a.b", "~[$]", `"`, "\\",
		strings.Repeat("/", realtime.MaxIDBytes), strings.Repeat("x", realtime.MaxIDBytes), "\U0001F600",
	}
	var changes []realtime.StateChange
	for i, key := range keys {
		changes = append(changes, s.set(key, fmt.Sprint(i), 0))
	}
	channels := []string{"a/b", ".", "..", "__a__", "__", "a~", "a", "A", strings.Repeat("/", realtime.MaxChannelBytes), "a:.:b"}
	for i, name := range channels {
		c := s.set("k", fmt.Sprint(i), 0)
		c.Channel = s.channel("acme", name)
		changes = append(changes, c)
	}
	s.save(0, changes...)
	got := map[string]string{}
	for _, e := range s.checkpoint("fleet:eu").Entries {
		got[e.Key] = e.ID
	}
	for i, key := range keys {
		if got[key] != fmt.Sprint(i) {
			s.Errorf("key %q has %q, want %d", key, got[key], i)
		}
	}
	for i, name := range channels {
		if e := s.checkpoint(name).Entries; len(e) != 1 || e[0].ID != fmt.Sprint(i) {
			s.Errorf("channel %q has %v, want %d", name, e, i)
		}
	}
}

// newest: the later Time counts, and of equal Times what is saved later; a repetition changes nothing.
func (s *states) newest() {
	s.save(0, s.set("a", "1", 10), s.set("b", "2", 10))
	s.save(0, s.set("a", "0", 9), s.set("b", "3", 11))
	s.holds("a=1", "b=3")
	s.save(0, s.set("a", "4", 10))
	s.holds("a=4", "b=3")
	s.save(0, s.set("a", "4", 20)) // the repetition of an event has the place of its first copy
	if e := s.checkpoint("fleet:eu").Entries[0]; !e.Time.Equal(s.now.Add(10 * time.Millisecond)) {
		s.Errorf("a repetition has moved its event to %v", e.Time)
	}
}

func (s *states) deletes() {
	s.save(0, s.set("a", "1", 10), s.set("b", "2", 10), s.del("never", "3", 10))
	s.save(0, s.del("a", "4", 20))
	s.holds("b=2")
	s.save(0, s.set("a", "1", 10), s.set("a", "5", 19)) // read again
	s.holds("b=2")
	s.save(0, s.set("a", "6", 20)) // after it, at the same Time
	s.holds("a=6", "b=2")
	s.save(0, s.del("a", "7", 20), s.del("b", "0", 9))
	s.holds("b=2")
	s.save(0, s.del("b", "8", 10))
	s.holds()
}

func (s *states) clears() {
	s.save(0, s.set("a", "1", 10), s.set("b", "2", 30))
	s.save(0, s.clear("3", 20))
	s.holds("b=2")
	s.save(0, s.set("a", "1", 10), s.set("c", "4", 19)) // read again
	s.holds("b=2")
	s.save(0, s.clear("0", 15))
	s.save(0, s.set("a", "5", 21))
	s.holds("a=5", "b=2")
	s.save(0, s.clear("6", 40), s.set("d", "7", 41))
	s.holds("d=7")
	s.save(0, s.del("d", "8", 42))
	s.holds()
}

// clearsAtOneTime: of a clear and changes at one Time those that are saved later came later.
func (s *states) clearsAtOneTime() {
	s.save(0, s.set("a", "1", 10), s.set("b", "2", 10))
	s.save(0, s.clear("3", 10), s.set("b", "4", 10), s.set("c", "5", 11))
	s.holds("b=4", "c=5")
	s.save(0, s.set("d", "6", 10))
	s.holds("b=4", "c=5", "d=6")
	s.save(0, s.clear("3", 10)) // read again
	s.holds("b=4", "c=5", "d=6")
}

// expiry: what is over is not told, and does not let an older value come back.
func (s *states) expiry() {
	over, going := s.set("a", "1", -2000), s.set("b", "2", -2000)
	over.TTL, over.Expires = time.Second, s.now.Add(-time.Second)
	going.TTL, going.Expires = time.Hour, s.now.Add(time.Hour)
	s.save(0, over, going)
	s.holds("b=2")
	s.save(0, s.set("a", "0", -3000))
	s.holds("b=2")
	s.save(0, s.set("a", "3", 0))
	s.holds("a=3", "b=2")
	soon := s.set("c", "4", 0)
	soon.Expires = time.Now().Add(300 * time.Millisecond)
	s.save(0, soon)
	deadline := time.Now().Add(s.harness.Patience)
	for {
		got, err := s.store.Checkpoint(s.Context(), s.topic, s.channel("acme", "fleet:eu"))
		if err != nil {
			s.Fatal(err)
		}
		if len(got.Entries) == 2 {
			return
		}
		if time.Now().After(deadline) {
			s.Fatal("an entry does not end")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *states) channelsAreApart() {
	other, third := s.set("a", "2", 0), s.clear("3", 1)
	other.Channel, third.Channel = s.channel("globex", "fleet:eu"), s.channel("acme", "fleet:us")
	s.save(0, s.set("a", "1", 0), other, third)
	s.holds("a=1")
	mark := s.marked(0)
	mark.Since[realtime.NamespaceRef{Tenant: "globex", Namespace: "fleet"}] = s.now.Add(-time.Hour)
	if err := s.store.Save(s.Context(), s.topic, "k1", nil, mark); err != nil {
		s.Fatal(err)
	}
	got, err := s.store.Checkpoint(s.Context(), s.topic, other.Channel)
	if err != nil || len(got.Entries) != 1 || got.Entries[0].ID != "2" || got.Entries[0].Channel != other.Channel {
		s.Errorf("another tenant's channel holds %+v, %v", got, err)
	}
	if got, err = s.store.Checkpoint(s.Context(), "tw-other", s.channel("acme", "fleet:eu")); err != nil || !got.Watermark.IsZero() {
		s.Errorf("by a topic of which nothing was saved: %+v, %v", got, err)
	}
}

// bulk: one Save has as many changes as a minute brings.
func (s *states) bulk() {
	const n = 700
	var changes []realtime.StateChange
	changes = append(changes, s.clear("clear", 0))
	for i := range n {
		changes = append(changes, s.set(fmt.Sprintf("k%04d", i), fmt.Sprint(i), 1))
	}
	s.save(5, changes...)
	if got := s.checkpoint("fleet:eu"); len(got.Entries) != n || got.Entries[n-1].ID != fmt.Sprint(n-1) {
		s.Errorf("%d entries, want %d", len(got.Entries), n)
	}
	s.save(6, s.clear("again", 2))
	s.holds()
}

func (s *states) pages() {
	var changes []realtime.StateChange
	var all []string
	for i := range 60 {
		key := fmt.Sprintf("k%02d", i)
		if i%3 == 0 {
			changes = append(changes, s.del(key, fmt.Sprint(i), 0))
			continue
		}
		changes = append(changes, s.set(key, fmt.Sprint(i), 0))
		all = append(all, key)
	}
	s.save(0, append(changes, s.set("K", "1", 0), s.set("ka/b", "1", 0), s.set("l", "1", 0))...)
	for _, tt := range []struct {
		q    realtime.StateQuery
		want []string
		more bool
	}{
		{realtime.StateQuery{}, append(append([]string{"K"}, all...), "ka/b", "l"), false},
		{realtime.StateQuery{Prefix: "k", Limit: 7}, all[:7], true},
		{realtime.StateQuery{Prefix: "k", Limit: 7, After: all[6]}, all[7:14], true},
		{realtime.StateQuery{Prefix: "k0", Limit: 6, After: "a"}, all[:6], false},
		{realtime.StateQuery{Prefix: "k0", Limit: 5}, all[:5], true},
		{realtime.StateQuery{Prefix: "ka/"}, []string{"ka/b"}, false},
		{realtime.StateQuery{Prefix: "k5", After: "k55", Limit: 1000}, []string{"k56", "k58", "k59"}, false},
		{realtime.StateQuery{Prefix: "k", After: "l"}, nil, false},
		{realtime.StateQuery{Prefix: "none"}, nil, false},
	} {
		page, more, err := s.other.Entries(s.Context(), s.topic, s.channel("acme", "fleet:eu"), tt.q)
		if err != nil {
			s.Fatal(err)
		}
		var got []string
		for _, e := range page.Entries {
			got = append(got, e.Key)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || more != tt.more || !page.Watermark.Equal(s.now) {
			s.Errorf("%+v: more %v, watermark %v (-want +got):\n%s", tt.q, more, page.Watermark, diff)
		}
	}
	for _, q := range []realtime.StateQuery{{Limit: -1}, {Limit: 1001}, {Prefix: "\x00"}, {After: strings.Repeat("x", realtime.MaxIDBytes+1)}} {
		if _, _, err := s.store.Entries(s.Context(), s.topic, s.channel("acme", "fleet:eu"), q); realtime.CodeOf(err) != realtime.CodeBadRequest {
			s.Errorf("%+v: %v", q, err)
		}
	}
}

// large: the largest entry that is taken is kept, with all that may be said of it.
func (s *states) large() {
	c := s.set(strings.Repeat("/", realtime.MaxIDBytes), "1", 0)
	c.Channel = s.channel("acme", strings.Repeat("/", realtime.MaxChannelBytes))
	c.Data = []byte(`"` + strings.Repeat("x", realtime.MaxStateBytes-2) + `"`)
	c.Tags = map[string]string{}
	for i := range realtime.MaxTags {
		c.Tags[fmt.Sprintf("%03d", i)+strings.Repeat("/", realtime.MaxTagBytes-3)] = strings.Repeat("☃", realtime.MaxTagBytes/3)
	}
	for _, text := range []*string{&c.EventType, &c.Source, &c.ContentType} {
		*text = strings.Repeat("t", realtime.MaxTypeBytes)
	}
	s.save(0, c)
	if e := s.checkpoint(c.Channel.Name()).Entries; len(e) != 1 || len(e[0].Data) != len(c.Data) || len(e[0].Tags) != len(c.Tags) {
		s.Errorf("%d entries", len(e))
	}
	c.Data = append(c.Data, ' ')
	if err := s.store.Save(s.Context(), s.topic, "k1", []realtime.StateChange{s.set("a", "1", 0), c}, nil); realtime.CodeOf(err) != realtime.CodeTooLarge {
		s.Errorf("an entry that is too large: %v", err)
	}
	s.holds()
}

func (s *states) badChanges() {
	s.claim(s.store, "k1")
	for what, spoil := range map[string]func(*realtime.StateChange){
		"id":      func(c *realtime.StateChange) { c.ID = "" },
		"time":    func(c *realtime.StateChange) { c.Time = time.Time{} },
		"key":     func(c *realtime.StateChange) { c.Key = "" },
		"channel": func(c *realtime.StateChange) { c.Channel = realtime.Channel{} },
		"op":      func(c *realtime.StateChange) { c.Op = "merge" },
	} {
		c := s.set("a", "1", 0)
		spoil(&c)
		err := s.store.Save(s.Context(), s.topic, "k1", []realtime.StateChange{s.set("b", "1", 0), c}, s.marked(0))
		if realtime.CodeOf(err) != realtime.CodeBadRequest || !strings.HasPrefix(err.Error(), what) {
			s.Errorf("without %s: %v", what, err)
		}
	}
	s.holds()
}
