package history_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/wire"
)

// BenchmarkPage makes pages of 1,000 out of a record of 20,000, as they are sent: of all events, which takes less than a millisecond of CPU, of one key in
// ten, for which ten thousand are looked at, and of a projection.
func BenchmarkPage(b *testing.B) {
	c, err := realtime.NewChannel("acme", "a")
	if err != nil {
		b.Fatal(err)
	}
	const kept = 20_000
	set := record.New(record.Options{Owner: owner{}})
	set.Complete(time.UnixMilli(begun))
	rec := set.Open(c, &realtime.Tenant{
		ID: "acme", Limits: realtime.Limits{RecordBytes: 64 << 20}, Namespaces: map[string]realtime.Namespace{"*": {Window: kept, WindowFor: realtime.Duration(24 * time.Hour)}},
	})
	rec.Make(begun)
	for i := range kept {
		at := time.UnixMilli(begun + 1 + int64(i))
		rec.Append(&realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{
			Channel: c, ID: strconv.Itoa(i), Key: "k" + strconv.Itoa(i%10), Time: at, Tags: map[string]string{"desk": "a"}, Data: []byte(`{"bid":1.0812,"ask":1.0814}`),
		}}, at)
	}
	views := map[string]*view.Rules{"all": {}, "a tenth": {Keys: []string{"k3"}}, "fields": {Fields: []string{"bid"}}}
	for name, rules := range views {
		v, err := view.NewBuilder(nil).Build(rules)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page := history.NewPage(rec, &history.Ask{
					HistoryQuery: realtime.HistoryQuery{Limit: 1000}, View: v, Bytes: 1 << 20,
					Encode: func(p *realtime.Publication) []byte { return wire.AppendEntry(nil, p) },
				})
				page.Look(func() bool { return false })
				if len(page.Entries) != 1000 {
					b.Fatalf("a page of %d", len(page.Entries))
				}
			}
		})
	}
}
