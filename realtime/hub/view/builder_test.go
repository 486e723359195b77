package view

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// fields is a Compiler of filters that are the name of a member of data, which has to be one that they may name.
type fields struct{}

func (fields) Compile(source string, v Viewer) (Filter, error) {
	if !slices.Contains(v.Data, source) {
		return nil, fmt.Errorf("unknown field %q", source)
	}
	return named(source), nil
}

type named string

func (named) Match(*realtime.Publication, *Memo) bool { return true }
func (n named) ID() string                            { return string(n) }

// A client cannot find out a member of data that it is not shown by a filter of its own. What is enforced may name it.
func TestFiltersOfWhatIsNotShown(t *testing.T) {
	t.Parallel()
	b := NewBuilder(fields{})
	data := []string{"data.bid", "data.cost", "data.desk.limit"}
	for _, row := range []struct {
		name  string
		rules Rules
		works bool
	}{
		{"all are shown", Rules{Filter: "data.cost"}, true},
		{"it is shown", Rules{Filter: "data.bid", Columns: [][]string{{"bid", "desk"}}}, true},
		{"it is not shown", Rules{Filter: "data.cost", Columns: [][]string{{"bid", "desk"}}}, false},
		{"one list of two shows it", Rules{Filter: "data.desk.limit", Columns: [][]string{{"bid", "desk"}, {"bid"}}}, false},
		{"what it is in is shown", Rules{Filter: "data.desk.limit", Columns: [][]string{{"desk"}}}, true},
		{"none are shown", Rules{Filter: "data.bid", Columns: [][]string{{}}}, false},
		{"it does not ask for it", Rules{Filter: "data.cost", Fields: []string{"bid"}}, true},
		{"it is enforced", Rules{Enforced: [][]string{{"data.cost"}}, Columns: [][]string{{"bid"}}}, true},
	} {
		row.rules.Viewer.Data = data
		if _, err := b.Build(&row.rules); (err == nil) != row.works {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
