package record

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// A publisher's retry stores a second copy of an event, behind what it has published since, and a replay that is late brings the copy first. In
// whatever order what was published comes, and however often: a Table ends with the newest of each key, by its publisher's numbers.
func TestCopiesBringNothingBack(t *testing.T) {
	t.Parallel()
	c, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 9))
		now := time.UnixMilli(1_800_000_000_000)
		var all []realtime.Message
		want := map[string]string{}
		for n := range uint64(40) {
			now = now.Add(time.Duration(r.IntN(2)) * time.Millisecond)
			m := realtime.Message{Kind: realtime.KindPublication, Series: "s", Number: n + 1, Publication: realtime.Publication{
				Channel: c, ID: fmt.Sprint(n), Time: now, Key: fmt.Sprint("k", r.IntN(5)),
			}}
			switch r.IntN(15) {
			case 0:
				m.Op, m.Key = realtime.OpClear, ""
				clear(want)
			case 1, 2:
				m.Op = realtime.OpDelete
				delete(want, m.Key)
			default:
				want[m.Key] = m.ID
			}
			all = append(all, m)
		}
		for range 10 {
			copied := all[r.IntN(40)]
			copied.Time = copied.Time.Add(time.Duration(r.IntN(40)) * time.Millisecond)
			all = append(all, copied)
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if seed%2 == 0 { // copies first, then the replay
			slices.SortStableFunc(all[5:], func(a, b realtime.Message) int { return int(a.Number) - int(b.Number) }) //nolint:gosec // small
		}
		table := NewTable(c, realtime.State{}, TableOptions{})
		for i := range all {
			table.Apply(&all[i])
		}
		for i := range 5 {
			key := fmt.Sprint("k", i)
			got := ""
			if n := table.keys[key]; n != nil && n.birth != 0 {
				got = n.At.ID
			}
			if got != want[key] {
				t.Fatalf("seed %d: %s is %q, want %q", seed, key, got, want[key])
			}
		}
		if keys, _ := table.Size(); keys != len(want) {
			t.Errorf("seed %d: %d keys, want %d", seed, keys, len(want))
		}
	}
}
