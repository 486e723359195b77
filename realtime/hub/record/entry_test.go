package record

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// What a Publication has beside its tags comes back too, and takes memory only if it is there.
func TestFieldsArePacked(t *testing.T) {
	t.Parallel()
	name, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		t.Fatal(err)
	}
	all := realtime.Publication{
		Channel: name, ID: "e1", Key: "k", Time: time.UnixMilli(1767225600123), Op: realtime.OpDelete, TTL: realtime.MaxTTL - 1,
		EventType: "com.example.quote", Source: "//desk/ü", ContentType: "text/csv; header=present", Tags: map[string]string{"": "", "a": "1"},
	}
	without := [...]func(*realtime.Publication){
		func(p *realtime.Publication) { p.Op = "" }, func(p *realtime.Publication) { p.TTL = 0 },
		func(p *realtime.Publication) { p.EventType = "" }, func(p *realtime.Publication) { p.Source = "" },
		func(p *realtime.Publication) { p.ContentType = "" }, func(p *realtime.Publication) { p.Tags = nil },
	}
	var s scratch
	for which := range 1 << len(without) {
		p := all
		for i, leave := range without {
			if which>>i&1 == 1 {
				leave(&p)
			}
		}
		e := newEntry(&realtime.Message{Publication: p})
		if diff := cmp.Diff(&p, s.of(name, &e), cmp.Comparer(func(a, b realtime.Channel) bool { return a == b })); diff != "" {
			t.Errorf("(-published +shown):\n%s", diff)
		}
		if s.done(); e.held != len(e.packed) || which == 1<<len(without)-1 && e.held != 0 {
			t.Errorf("%+v takes %d bytes, packed in %d", p, e.held, len(e.packed))
		}
	}
}

// Whatever the tags are, an Encoder is shown those that were published.
func TestTagsArePacked(t *testing.T) {
	t.Parallel()
	var s scratch
	name, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		t.Fatal(err)
	}
	for _, tags := range []map[string]string{
		nil, {"a": "1"}, {"a": ""}, {"a": "", "b": "", "c": "x"}, {"region": "eu", "desk": "spot fx", "ü": "ö=\"1\""},
		{strings.Repeat("n", realtime.MaxTagBytes): strings.Repeat("v", realtime.MaxTagBytes)},
	} {
		e := newEntry(&realtime.Message{Publication: realtime.Publication{Channel: name, ID: "e1", Tags: tags}})
		if got := s.of(name, &e).Tags; !maps.Equal(got, tags) {
			t.Errorf("got %v, want %v", got, tags)
		}
		s.done()
	}
}
