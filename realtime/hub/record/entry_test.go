package record

import (
	"maps"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

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
