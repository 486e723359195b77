package record

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func TestWindowResume(t *testing.T) {
	t.Parallel()
	filled := func() *Window {
		r := &Window{since: time.UnixMilli(100)}
		for _, p := range []realtime.Position{{Time: 110, ID: "a"}, {Time: 120, ID: "b"}, {Time: 120, ID: "c"}, {Time: 120, ID: "d"}, {Time: 130, ID: "e"}} {
			r.append(Entry{At: p})
		}
		return r
	}
	evicted := func() *Window {
		r := filled()
		r.dropFirst() // a
		r.dropFirst() // b, of the same millisecond as c and d
		return r
	}
	cut := func() *Window {
		r := filled()
		r.cut(time.UnixMilli(131))
		r.append(Entry{At: realtime.Position{Time: 140, ID: "f"}})
		return r
	}
	early := func() *Window { // it may lack the first copy of what is older than 125
		r := filled()
		r.since = time.UnixMilli(125)
		return r
	}
	for name, tc := range map[string]struct {
		r     *Window
		since realtime.Position
		asOf  int64
		from  int
		ok    bool
	}{
		"by ID":                    {filled(), realtime.Position{Time: 110, ID: "a"}, 0, 1, true},
		"by ID between equals":     {filled(), realtime.Position{Time: 120, ID: "c"}, 0, 3, true},
		"the newest":               {filled(), realtime.Position{Time: 130, ID: "e"}, 0, 5, true},
		"a moment":                 {filled(), realtime.Position{Time: 115}, 0, 1, true},
		"a moment of equals":       {filled(), realtime.Position{Time: 120}, 0, 4, true},
		"where the record begins":  {filled(), realtime.Position{Time: 100}, 0, 0, true},
		"before it begins":         {filled(), realtime.Position{Time: 99}, 0, 5, false},
		"before, an ID":            {filled(), realtime.Position{Time: 50, ID: "z"}, 0, 5, false},
		"asOf vouches":             {filled(), realtime.Position{Time: 50, ID: "z"}, 105, 0, true},
		"asOf is too old":          {filled(), realtime.Position{Time: 50, ID: "z"}, 99, 5, false},
		"asOf before the position": {filled(), realtime.Position{Time: 50, ID: "z"}, 40, 5, false},
		"what asOf vouches for may come twice, by ID": {early(), realtime.Position{Time: 110, ID: "a"}, 127, 4, true},
		"the same, before the record":                 {early(), realtime.Position{Time: 50, ID: "z"}, 127, 4, true},
		"as far as asOf vouches":                      {early(), realtime.Position{Time: 110, ID: "a"}, 115, 1, true},
		"nothing vouches":                             {early(), realtime.Position{Time: 110, ID: "a"}, 0, 1, true},
		"the newest evicted":                          {evicted(), realtime.Position{Time: 120, ID: "b"}, 0, 0, true},
		"an older evicted":                            {evicted(), realtime.Position{Time: 110, ID: "a"}, 0, 3, false},
		"unknown, of an evicted millisecond":          {evicted(), realtime.Position{Time: 120, ID: "x"}, 0, 3, false},
		"after what was evicted":                      {evicted(), realtime.Position{Time: 121}, 0, 2, true},
		"nobody crosses a cut":                        {cut(), realtime.Position{Time: 130, ID: "e"}, 0, 1, false},
		"nor from before it":                          {cut(), realtime.Position{Time: 110, ID: "a"}, 0, 1, false},
		"behind the cut":                              {cut(), realtime.Position{Time: 140, ID: "f"}, 0, 1, true},
		"asOf behind the cut":                         {cut(), realtime.Position{Time: 110, ID: "a"}, 135, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, ok := tc.r.Resume(tc.since, tc.asOf)
			if from != tc.from || ok != tc.ok {
				t.Errorf("got %d %v, want %d %v", from, ok, tc.from, tc.ok)
			}
		})
	}
}

func TestWindowEvictsInOrder(t *testing.T) {
	t.Parallel()
	r := &Window{}
	for i := range int64(1000) {
		r.append(Entry{At: realtime.Position{Time: i + 1, ID: "x"}})
		if r.Len() > 10 {
			r.dropFirst()
		}
	}
	if r.Len() != 10 || r.first != 990 || r.evicted.Time != 990 || r.At(0).At.Time != 991 || cap(r.entries) > 256 {
		t.Errorf("%d entries from %d, evicted %v, capacity %d", r.Len(), r.first, r.evicted, cap(r.entries))
	}
}
