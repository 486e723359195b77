package toy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// rewind sends what a subscription begins with: so many that are shown, or all of them.
func (c *conn) rewind(sub *subscription, channel, back string) {
	n, err := strconv.Atoi(back)
	if err != nil {
		n = len(c.server.log)
	}
	shown := c.past(sub.own, channel, "a rewind")
	shown = shown[max(0, len(shown)-n):]
	if c.server.flaw == "a rewind that lacks the first" && len(shown) > 0 {
		shown = shown[1:]
	}
	for _, p := range shown {
		c.say(c.message([]canary.Rights{c.rights, c.server.policy, sub.own}, p))
	}
}

// past returns what is shown of a channel.
func (c *conn) past(own canary.Rights, channel, how string) (shown []*realtime.Publication) {
	shown = append(shown, c.server.losers(channel, how)...)
	for _, p := range c.server.log {
		if p.Channel.Name() == channel && (may([]canary.Rights{c.rights, c.server.policy, own}, p) || c.server.flaw == how+" without the gate") {
			shown = append(shown, p)
		}
	}
	return shown
}

// page returns a page of a channel, and whether there is another one before it.
func (c *conn) page(frame map[string]any, how string) (messages []map[string]any, more bool) {
	channel := frame["channel"].(string)
	sub := &subscription{}
	c.options(sub, frame)
	shown := c.past(sub.own, channel, how)
	if before, err := strconv.Atoi(fmt.Sprint(frame["before"])); err == nil {
		shown = slices.DeleteFunc(shown, func(p *realtime.Publication) bool { return slices.Index(c.server.log, p)+1 >= before })
	}
	limit, err := strconv.Atoi(fmt.Sprint(frame["limit"]))
	if err != nil {
		panic(err)
	}
	if more = len(shown) > limit; more {
		shown = shown[len(shown)-limit:]
	}
	for i, p := range shown {
		if c.server.flaw == how+" that lacks a message" && i > 0 && i%3 == 0 {
			continue
		}
		messages = append(messages, c.message([]canary.Rights{c.rights, c.server.policy, sub.own}, p))
	}
	return messages, more
}

func (c *conn) history(frame map[string]any) {
	channel := frame["channel"].(string)
	if !c.grants(channel) && c.server.flaw != "history that nobody asks a grant for" {
		c.say(map[string]any{"type": "error", "id": frame["id"], "channel": channel, "code": "forbidden"})
		return
	}
	messages, more := c.page(frame, "a page of history")
	c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": channel, "messages": messages, "more": more})
}

func (c *conn) serveHistory(w http.ResponseWriter, r *http.Request) {
	parts, query := strings.Split(r.URL.Path, "/"), r.URL.Query()
	channel := parts[5]
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if !c.grants(channel) && c.server.flaw != "history by HTTP that nobody asks a grant for" {
		http.Error(w, `{"code":"forbidden"}`, http.StatusForbidden)
		return
	}
	frame := map[string]any{"channel": channel, "limit": query.Get("limit"), "before": query.Get("cursor")}
	if query.Has("filter") {
		frame["filter"] = query.Get("filter")
	}
	if query.Has("fields") {
		fields := []any{}
		for _, f := range strings.Split(query.Get("fields"), ",") {
			fields = append(fields, f)
		}
		frame["fields"] = fields
	}
	messages, more := c.page(frame, "a page by HTTP")
	page := map[string]any{"messages": messages, "more": more}
	if more {
		page["next"] = messages[0]["position"]
	}
	_ = json.NewEncoder(w).Encode(page) // who has gone has it from nobody
}
