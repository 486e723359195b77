package gateway_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Somebody pans over a map of 1,024 tiles, of which 64 are on the screen, while all of them change: what comes over the wire is of the tiles on the
// screen alone, and the screen has all of them. A tile is on the screen from the tune that adds it to the answer of the one that removes it.
func TestPanOverTiles(t *testing.T) {
	t.Parallel()
	const side, shown = 32, 8
	s := startViews(t, stateful(func(n *realtime.Namespace) { n.State.Keys = side * side }))
	ann, producer := s.connect("acme", "ann"), s.connect("acme", "producer")
	r := rand.New(rand.NewPCG(1, 2))
	newest := map[string]string{}
	n := 0
	change := func(tile string) {
		t.Helper()
		n++
		producer.send(fmt.Sprintf(`{"type":"publish","id":1,"channel":"fleet:eu","key":%q,"data":%d}`, tile, n))
		newest[tile] = fmt.Sprint(n)
	}
	tiles := func(x, y int) map[string]bool {
		all := map[string]bool{}
		for dx := range shown {
			for dy := range shown {
				all[fmt.Sprint("t", x+dx, "-", y+dy)] = true
			}
		}
		return all
	}
	for x := range side {
		for y := range side {
			change(fmt.Sprint("t", x, "-", y))
		}
		for range side {
			producer.expect(`{"type":"ok"}`)
		}
	}
	x, y := 0, 0
	on := tiles(x, y)
	list := func(all []string) string {
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true,"keys":` + list(slices.Collect(maps.Keys(on))) + `}`)
	m, came := &rowsOf{rows: map[string]string{}}, 0
	until := func(over func(*wire.ServerFrame) bool) {
		t.Helper()
		for {
			f, err := ann.next()
			if err != nil {
				t.Fatal(err)
			}
			keys := []string{f.Key}
			for _, e := range f.Entries {
				keys = append(keys, e.Key)
			}
			for _, key := range keys {
				if came++; key != "" && !on[key] {
					t.Fatalf("%s came, which is not on the screen at %d, %d", key, x, y)
				}
			}
			if m.take(&f); over(&f) {
				return
			}
		}
	}
	until(func(f *wire.ServerFrame) bool { return f.Type == wire.TypeSnapshot && !f.More })
	for step := range 100 {
		nx, ny := min(max(0, x+r.IntN(7)-3), side-shown), min(max(0, y+r.IntN(7)-3), side-shown)
		next, add, remove := tiles(nx, ny), []string{}, []string{}
		for tile := range next {
			if !on[tile] {
				add = append(add, tile)
			}
		}
		for tile := range on {
			if !next[tile] {
				remove = append(remove, tile)
			}
		}
		for range 20 {
			change(fmt.Sprint("t", r.IntN(side), "-", r.IntN(side)))
		}
		maps.Copy(on, next)
		ann.send(fmt.Sprintf(`{"type":"tune","id":%d,"channel":"fleet:eu","keys":{"add":%s,"remove":%s}}`, step+2, list(add), list(remove)))
		until(func(f *wire.ServerFrame) bool { return f.Type == wire.TypeOK && string(f.ID) == fmt.Sprint(step+2) })
		x, y, on = nx, ny, next
		for range 20 {
			producer.expect(`{"type":"ok"}`)
		}
	}
	producer.send(`{"type":"publish","id":1,"channel":"fleet:eu","data":"last"}`)
	until(func(f *wire.ServerFrame) bool { return string(f.Data) == `"last"` })
	maps.DeleteFunc(newest, func(tile, _ string) bool { return !on[tile] })
	if !maps.Equal(m.rows, newest) {
		t.Errorf("the screen shows %v, want %v", m.rows, newest)
	}
	if came > 100*200 {
		t.Errorf("%d rows came", came)
	}
}
