package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// stateEntry is one entry of a channel's state, with the names that a snapshot has.
type stateEntry struct {
	Key         string            `json:"key"`
	Position    string            `json:"position"`
	Time        int64             `json:"time"`
	ExpiresAt   int64             `json:"expiresAt,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	EventType   string            `json:"eventType,omitempty"`
	Source      string            `json:"source,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Data        json.RawMessage   `json:"data,omitempty"`
}

// statePage is a page of entries.
type statePage struct {
	Entries []stateEntry `json:"entries"`
	Next    string       `json:"next,omitempty"`
	// Position is where a reader stands that has read these.
	Position string    `json:"position"`
	AsOf     time.Time `json:"asOf"`
}

// stored answers what was published to the state.
type stored struct {
	ID string `json:"id"`
}

// stateChannel returns the channel of the path, whose namespace has state.
func (c *call) stateChannel() (realtime.Channel, *realtime.State, error) {
	channel, err := realtime.NewChannel(c.tenantID, c.r.PathValue("channel"))
	if err != nil {
		return channel, nil, err
	}
	rules := c.tenant.Rules(channel.Namespace()).State
	if rules == nil {
		return channel, nil, realtime.Errorf(realtime.CodeBadRequest, "channel: namespaces.%.64s has no state; set namespaces.%.64s.state", channel.Namespace(), channel.Namespace())
	}
	full := rules.WithDefaults()
	return channel, &full, nil
}

// readState answers a page of what is stored of a channel: up to a minute or two older than what readers have.
func readState(a *api, c *call) error {
	q, err := c.query("prefix", "after", "limit")
	if err != nil {
		return err
	}
	limit, err := pageSize(q)
	if err != nil {
		return err
	}
	channel, rules, err := c.stateChannel()
	switch {
	case err != nil:
		return err
	case !*rules.Durable:
		return realtime.Errorf(realtime.CodeBadRequest, "channel: the state of namespaces.%.64s is not durable, so that it is not stored; subscribe to it", channel.Namespace())
	case a.o.States == nil:
		return realtime.Errorf(realtime.CodeNotFound, "state: this API has no store of states")
	}
	topic := realtime.ReadTopic(a.o.Placement, c.tenant, time.Now())
	found, more, err := a.o.States.Entries(c.r.Context(), topic, channel, realtime.StateQuery{Prefix: q.Get("prefix"), After: q.Get("after"), Limit: limit})
	if err != nil {
		return err
	}
	if found.Watermark.IsZero() {
		return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the state of the channel is not stored yet", RetryAfter: time.Minute}
	}
	// All that was published before the watermark is there: the millisecond before it is the last of which that holds.
	page := statePage{Entries: make([]stateEntry, len(found.Entries)), AsOf: found.Watermark.UTC(), Position: realtime.Moment(found.Watermark.Add(-time.Millisecond)).String()}
	for i := range found.Entries {
		page.Entries[i] = shownEntry(&found.Entries[i])
	}
	if more {
		page.Next = found.Entries[len(found.Entries)-1].Key
	}
	return c.answerPage(&page)
}

func shownEntry(e *realtime.StateEntry) stateEntry {
	shown := stateEntry{
		Key: e.Key, Position: e.Position().String(), Time: e.Time.UnixMilli(), Tags: e.Tags,
		EventType: e.EventType, Source: e.Source, ContentType: e.ContentType, Data: e.Data,
	}
	if !e.Expires.IsZero() {
		shown.ExpiresAt = e.Expires.UnixMilli()
	}
	return shown
}

// answerPage answers with a weak entity tag, which is that of the entries: it stays while they do, though the watermark moves.
func (c *call) answerPage(page *statePage) error {
	text, err := json.Marshal(page.Entries)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append(text, page.Next...))
	tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	c.w.Header().Set("ETag", tag)
	for _, line := range c.r.Header.Values("If-None-Match") {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
				c.w.Header().Set("Cache-Control", "no-store")
				c.w.WriteHeader(http.StatusNotModified)
				return nil
			}
		}
	}
	return c.answer(http.StatusOK, page)
}

// setState publishes the value of a key.
func setState(a *api, c *call) error {
	var b struct {
		ID          string            `json:"id"`
		TTL         string            `json:"ttl"`
		Tags        map[string]string `json:"tags"`
		EventType   string            `json:"eventType"`
		Source      string            `json:"source"`
		ContentType string            `json:"contentType"`
		Data        json.RawMessage   `json:"data"`
	}
	if _, err := c.body(&b); err != nil {
		return err
	}
	p := realtime.Publication{ID: b.ID, Key: c.r.PathValue("key"), Tags: b.Tags, EventType: b.EventType, Source: b.Source, ContentType: b.ContentType}
	if b.TTL != "" {
		ttl, err := realtime.ParseTTL(b.TTL)
		if err != nil {
			return err
		}
		p.TTL = ttl
	}
	data, err := c.data(b.Data)
	if err != nil {
		return err
	}
	p.Data = data
	return publishState(a, c, p)
}

// deleteState publishes that a key has no value any more.
func deleteState(a *api, c *call) error {
	return publishState(a, c, realtime.Publication{Op: realtime.OpDelete, Key: c.r.PathValue("key")})
}

// clearState publishes that no key of the channel has one.
func clearState(a *api, c *call) error {
	return publishState(a, c, realtime.Publication{Op: realtime.OpClear})
}

// publishState publishes as any producer would, and answers once it is stored.
func publishState(a *api, c *call, p realtime.Publication) error {
	if err := c.mayPublish(); err != nil {
		return err
	}
	if _, err := c.query(); err != nil {
		return err
	}
	channel, _, err := c.stateChannel()
	if err != nil {
		return err
	}
	p.Channel = channel
	if err := p.Check(); err != nil {
		return err
	}
	if a.o.Limiter != nil {
		if err := a.o.Limiter.Publish(c.tenant, c.name(), 1); err != nil {
			return err
		}
	}
	published := []realtime.Publication{p}
	if err := a.o.Publisher.Publish(c.r.Context(), c.tenant, published); err != nil {
		return withoutTopic(err)
	}
	return c.answer(http.StatusOK, stored{ID: published[0].ID})
}
