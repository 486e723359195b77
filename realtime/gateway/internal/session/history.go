package session

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/wire"
)

// pageBytes is how large a page of history becomes, about.
const pageBytes = 60 << 10

// answerHistory answers with a page of what was published to a channel.
func answerHistory(h *handler, f *wire.ClientFrame) {
	if realtime.IsSelection(f.Channel) {
		h.fail(f.ID, f.Channel, realtime.Errorf(realtime.CodeBadRequest, "channel: the history of a pattern is not served; ask for that of each channel"))
		return
	}
	ch, err := h.channel(f.Channel)
	if err != nil {
		h.report(f.ID, f.Channel, "reading history", err)
		return
	}
	r := history.Request{Channel: ch, Ask: history.Ask{
		HistoryQuery: f.Query, Bytes: pageBytes, Encode: func(p *realtime.Publication) []byte { return wire.AppendEntry(nil, p) },
	}}
	if f.Options.Filter != nil {
		r.Filter = *f.Options.Filter
	}
	if f.Options.Fields != nil {
		r.Fields = *f.Options.Fields
	}
	page, err := h.client.History(h.c.Life, &r)
	if err != nil {
		h.report(f.ID, f.Channel, "reading history", err)
		return
	}
	h.c.Metrics.Add(realtime.CountHistory, ch.Tenant(), realtime.ReasonRecord, len(page.Entries))
	h.send(h.protocol.HistoryOK(f.ID, ch, &wire.HistoryPage{
		Messages: page.Entries, More: page.More, Complete: page.Complete,
		ByHTTP: !page.Complete && h.client.Document().Rules(ch.Namespace()).History != nil,
	}))
}
