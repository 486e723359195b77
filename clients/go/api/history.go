package api

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

// History returns a page of what was published to a channel of a tenant, as far back as its topic keeps it and its namespace lets it be read: beyond what
// a gateway has. The Client is one of the management API; its token is one that may read the history of the channel, or of all.
func (h *Client) History(ctx context.Context, tenant, channel string, q tidewire.HistoryQuery) (*tidewire.HistoryPage, error) {
	if _, err := realtime.NewChannel(tenant, channel); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	to := h.url.JoinPath("v1", "tenants", url.PathEscape(tenant), "channels", url.PathEscape(channel), "history")
	to.RawQuery = historyQuery(&q).Encode()
	answer, _, err := h.Do(ctx, http.MethodGet, to, nil, nil)
	if err != nil {
		return nil, err
	}
	return tidewire.ReadHistoryPage(channel, q, answer)
}

// HistoryPages is History, one page after the other, and the error as the last.
func (h *Client) HistoryPages(ctx context.Context, tenant, channel string, q tidewire.HistoryQuery) iter.Seq2[*tidewire.HistoryPage, error] {
	return tidewire.Pages(q, func(q tidewire.HistoryQuery) (*tidewire.HistoryPage, error) {
		return h.History(ctx, tenant, channel, q)
	})
}

func historyQuery(q *tidewire.HistoryQuery) url.Values {
	v := url.Values{}
	for name, text := range map[string]string{
		"after": q.After, "before": q.Before, "filter": q.Filter, "fields": strings.Join(q.Fields, ","), "from": moment(q.From), "to": moment(q.To),
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// moment is a time in milliseconds since 1970; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
