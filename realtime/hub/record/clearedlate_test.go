package record

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Who comes back from before a clear that came behind what was published later may have keys that the Table never had: it cannot be told what has
// changed. Who comes from behind it can.
func TestNobodyResumesAcrossALateClear(t *testing.T) {
	t.Parallel()
	c, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		t.Fatal(err)
	}
	apply := func(tb *Table, id, key string, ms int64, op realtime.Op) {
		tb.Apply(&realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: id, Key: key, Time: time.UnixMilli(ms), Op: op, Data: []byte("1")}})
	}
	for _, late := range []bool{false, true} {
		tb := NewTable(c, realtime.State{}, TableOptions{})
		apply(tb, "1", "a", 1000, realtime.OpSet)
		if !late {
			apply(tb, "clear", "", 2000, realtime.OpClear)
		}
		apply(tb, "2", "b", 3000, realtime.OpSet)
		if late {
			apply(tb, "clear", "", 2000, realtime.OpClear)
		}
		for _, x := range []struct {
			moment int64
			can    bool
		}{{1500, !late}, {2000, !late}, {2500, true}} {
			if _, ok := tb.Resume(x.moment, nil); ok != x.can {
				t.Errorf("clear late %t: from %d it can be resumed: %t", late, x.moment, ok)
			}
		}
	}
}
