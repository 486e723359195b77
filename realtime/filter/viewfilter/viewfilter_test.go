package viewfilter_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/filter"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

func newCompiler(t testing.TB) *viewfilter.Compiler {
	t.Helper()
	c, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func compile(t testing.TB, c *viewfilter.Compiler, source string, v view.Viewer) view.Filter {
	t.Helper()
	f, err := c.Compile(source, v)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Each filter is asked about what the publication is, though all of them take it out once.
func TestMatch(t *testing.T) {
	t.Parallel()
	c, v := newCompiler(t), view.Viewer{User: "ann", Data: []string{"data.bid"}, Own: true}
	cheap, mine := compile(t, c, "data.bid < 10", v), compile(t, c, "tags.owner == '{user}' && key != ''", v)
	var m view.Memo
	for i, row := range []struct {
		p           realtime.Publication
		cheap, mine bool
	}{
		{realtime.Publication{Key: "a", Data: []byte(`{"bid":9}`), Tags: map[string]string{"owner": "ann"}}, true, true},
		{realtime.Publication{Key: "a", Data: []byte(`{"bid":90}`)}, false, false},
		{realtime.Publication{Data: []byte(`{"bid":1}`), Tags: map[string]string{"owner": "ann"}}, true, false},
	} {
		if cheap.Match(&row.p, &m) != row.cheap || mine.Match(&row.p, &m) != row.mine {
			t.Errorf("publication %d: %v and %v", i, cheap.Match(&row.p, &m), mine.Match(&row.p, &m))
		}
		m.Forget()
	}
	if all := mine.(view.Equal).Equalities(); len(all) != 1 || all[0].Name != "tags.owner" || !slices.Equal(all[0].Values, []string{"ann"}) {
		t.Error(all)
	}
	if cheap.ID() == mine.ID() || cheap.ID() != compile(t, c, "data.bid<10", v).ID() {
		t.Error(cheap.ID(), mine.ID())
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	_, err := newCompiler(t).Compile("tag == 'a'", view.Viewer{})
	var fault *filter.Error
	if !errors.As(err, &fault) || fault.Column != 1 {
		t.Error(err)
	}
}

// Filters of data that are asked about one publication: it is taken apart once.
func BenchmarkDataFilters(b *testing.B) {
	c, v := newCompiler(b), view.Viewer{Data: []string{"data.bid", "data.desk.limit"}}
	var all []view.Filter
	for i := range 50 {
		all = append(all, compile(b, c, fmt.Sprintf("data.bid > %d", i), v))
	}
	p := realtime.Publication{Data: []byte(`{"time":1767225600177,"ask":1.0845,"book":[[1,2],[3,4]],"bid":1.0843,"desk":{"name":"spot","limit":7}}`)}
	var m view.Memo
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range all {
			f.Match(&p, &m)
		}
		m.Forget()
	}
}
