package httpapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/wire"
)

// historyPage is a page of what was published to a channel.
type historyPage struct {
	Messages []json.RawMessage `json:"messages"`
	More     bool              `json:"more"`
	Complete bool              `json:"complete"`
	Next     string            `json:"next,omitempty"` // the cursor of the next page
}

// historyBytes is how large a page becomes, about.
const historyBytes = 1 << 20

// readHistory answers a page of what the topic keeps of a channel. A token that may read the history of every channel sees all of it; one that is granted the
// channel sees what its owner may see of it now.
func readHistory(a *api, c *call) error {
	q, err := c.query("limit", "before", "after", "from", "to", "cursor", "filter", "fields")
	if err != nil {
		return err
	}
	channel, err := realtime.NewChannel(c.tenantID, c.r.PathValue("channel"))
	if err != nil {
		return err
	}
	r := history.Request{Channel: channel, Filter: q.Get("filter"), Ask: history.Ask{
		Bytes: historyBytes, Encode: func(p *realtime.Publication) []byte { return wire.AppendEntry(nil, p) },
	}}
	if r.HistoryQuery, err = historyQuery(q); err != nil {
		return err
	}
	if q.Has("fields") {
		r.Fields = strings.Split(q.Get("fields"), ",")
		if err := realtime.CheckColumns("fields", r.Fields); err != nil {
			return err
		}
	}
	var viewer *realtime.Principal
	if !c.manages(realtime.ManageHistory) {
		if viewer = c.principal; !viewer.May(realtime.ActionHistory, channel) {
			return realtime.Errorf(realtime.CodeForbidden, "channel: no grant for the history of %q, and the token's claim manage does not contain %q", channel.Name(), realtime.ManageHistory)
		}
		if err := c.undecided(realtime.ManageHistory, channel); err != nil {
			return err
		}
	}
	if a.o.History == nil {
		return realtime.Errorf(realtime.CodeNotFound, "history: this API reads none; ask a gateway by its socket")
	}
	page, err := a.o.History.Page(c.r.Context(), c.tenant, viewer, &r)
	if err != nil {
		return err
	}
	shown := historyPage{Messages: make([]json.RawMessage, len(page.Entries)), More: page.More, Complete: page.Complete}
	for i, e := range page.Entries {
		shown.Messages[i] = e
	}
	if page.More {
		shown.Next = nextOf(&r.HistoryQuery, shown.Messages)
	}
	return c.answer(http.StatusOK, &shown)
}

// nextOf returns the cursor behind a page, or before it.
func nextOf(q *realtime.HistoryQuery, messages []json.RawMessage) string {
	side, edge := "before ", messages[0]
	if q.Forward() {
		side, edge = "after ", messages[len(messages)-1]
	}
	var m struct {
		Position string `json:"position"`
	}
	_ = json.Unmarshal(edge, &m) // it was made here
	return side + m.Position
}

// historyQuery reads what is asked for. A cursor stands for the bound at which the page before has ended.
func historyQuery(q url.Values) (h realtime.HistoryQuery, err error) {
	if h.Limit, err = pageSize(q); err != nil {
		return h, err
	}
	if q.Has("cursor") {
		side, at, _ := strings.Cut(q.Get("cursor"), " ")
		name := map[string]string{"after": "from", "before": "to"}[side]
		if name == "" || q.Has("before") || q.Has("after") {
			return h, realtime.Errorf(realtime.CodeBadRequest, "cursor: must be the next of the page before, in the place of before and after")
		}
		q.Set(side, at)
		q.Del(name) // the page before has begun there
	}
	for _, bound := range []struct {
		name string
		to   *realtime.Position
	}{{"before", &h.Before}, {"after", &h.After}} {
		if *bound.to, err = realtime.ParsePosition(q.Get(bound.name)); err != nil || q.Has(bound.name) && bound.to.IsZero() {
			return h, realtime.Errorf(realtime.CodeBadRequest, "%s: must be a position as the server sent it", bound.name)
		}
	}
	for _, bound := range []struct {
		name string
		to   *int64
	}{{"from", &h.From}, {"to", &h.To}} {
		if !q.Has(bound.name) {
			continue
		}
		if *bound.to, err = strconv.ParseInt(q.Get(bound.name), 10, 64); err != nil || *bound.to <= 0 {
			return h, realtime.Errorf(realtime.CodeBadRequest, "%s: must be milliseconds since 1970, got %.32q", bound.name, q.Get(bound.name))
		}
	}
	return h, h.Check()
}
