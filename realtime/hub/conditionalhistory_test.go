package hub_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/retained"
)

func newHistory(broker realtime.Broker) *retained.Reader {
	return retained.New(retained.Options{Broker: broker, Within: time.Minute})
}

// ask reads a page of a channel from what its topic keeps, without any hub, and compares it with the truth.
func (w *conditionWorld) ask() {
	c, q := w.chans[w.rand.IntN(3)], realtime.HistoryQuery{Limit: 1 + w.rand.IntN(300)}
	if w.rand.IntN(2) == 0 {
		q.From = time.Now().Add(-time.Duration(w.rand.IntN(600_000)) * time.Millisecond).UnixMilli()
	}
	before := len(w.truth.counted(c))
	w.busy.Go(func() {
		page, err := w.history.Page(w.t.Context(), w.tenant, nil, &history.Request{Channel: c, Ask: history.Ask{
			HistoryQuery: q, Bytes: 1 << 20, Encode: func(p *realtime.Publication) []byte { return []byte(p.ID) },
		}})
		w.mu.Lock()
		defer w.mu.Unlock()
		w.counts.asked++
		if err != nil {
			return // it says so
		}
		all, first := w.truth.counted(c), 0
		if q.From > 0 {
			for first < len(all) && all[first].Time.UnixMilli() < q.From {
				first++
			}
		}
		if err := compare(page, all, first, before, q.From > 0); err != nil {
			w.t.Errorf("%s, %+v, at %d: %v", c.Name(), q, time.Now().UnixMilli(), err)
		}
		if page.Complete && len(page.Entries) > 0 {
			w.counts.complete++
		}
	})
}

// compare fails if a page is not a part of what counts, or says that it is complete and is not: of what was published until it was asked for, beginning
// with the first if it was asked for from there on.
func compare(page *history.Page, all []realtime.Message, first, before int, from bool) error {
	at := -1
	if len(page.Entries) > 0 {
		at = slices.IndexFunc(all, func(m realtime.Message) bool { return m.ID == string(page.Entries[0]) })
	}
	for n, id := range page.Entries {
		if at < 0 || at+n >= len(all) || all[at+n].ID != string(id) {
			return fmt.Errorf("%s is none of what counts, or not in its place: %s", id, page.Entries)
		}
	}
	end := at + len(page.Entries)
	switch {
	case !page.Complete:
	case from && len(page.Entries) == 0 && first < before:
		return fmt.Errorf("complete, and lacks all since %s", all[first].ID)
	case from && len(page.Entries) > 0 && at != first:
		return fmt.Errorf("complete, and begins with %s, not %s", all[at].ID, all[first].ID)
	case (!from || !page.More) && len(page.Entries) > 0 && end < before:
		return fmt.Errorf("complete, and lacks the newest, from %s on", all[end].ID)
	}
	return nil
}

// counted is what was published to a channel and counts, in order.
func (d *decidedTruth) counted(c realtime.Channel) (all []realtime.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]bool{}
	for _, m := range d.told {
		if m.Kind != realtime.KindPublication || m.Channel != c || seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		if won, is := d.outcomes[m.ID]; m.If == nil || is && won {
			all = append(all, m)
		}
	}
	return all
}
