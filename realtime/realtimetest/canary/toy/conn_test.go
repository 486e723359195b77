package toy_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// take takes a token.
func (c *conn) take(token string) error {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return err
	}
	var said claims
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	c.user, c.former, c.rights = said.User, c.rights, said.Rights
	return nil
}

func (c *conn) serveStream(w http.ResponseWriter, r *http.Request) {
	c.stream = true
	c.write = func(frame []byte) error {
		_, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", len(c.server.log), frame)
		return errors.Join(err, http.NewResponseController(w).Flush())
	}
	c.server.mu.Lock()
	c.server.conns[c] = true
	for _, channel := range r.URL.Query()["channel"] {
		frame := map[string]any{"channel": channel}
		for _, name := range []string{"filter", "state", "rewind"} {
			if values := r.URL.Query()[name]; len(values) > 0 {
				frame[name] = values[0]
			}
		}
		if fields := r.URL.Query()["fields"]; len(fields) > 0 {
			frame["fields"] = []any{}
			for _, f := range fields {
				frame["fields"] = append(frame["fields"].([]any), f)
			}
		}
		if id := r.Header.Get("Last-Event-ID"); id != "" {
			frame["since"] = id
		}
		c.subscribe(frame)
	}
	c.server.mu.Unlock()
	<-r.Context().Done()
	c.server.mu.Lock() // nothing is written afterwards
	delete(c.server.conns, c)
	c.server.mu.Unlock()
}

// servePosted takes the frames in a request. The stream of its answers goes on if the first one is connect.
func (c *conn) servePosted(w http.ResponseWriter, r *http.Request) {
	c.posted = true
	c.write = func(frame []byte) error {
		_, err := fmt.Fprintf(w, "data: %s\n\n", frame)
		return errors.Join(err, http.NewResponseController(w).Flush())
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.server.mu.Lock()
	c.server.conns[c] = true
	goesOn := false
	for line := range bytes.Lines(body) {
		var frame map[string]any
		if err := json.Unmarshal(line, &frame); err != nil {
			panic(err)
		}
		if frame["type"] != "connect" {
			c.handle(frame)
			continue
		}
		goesOn = true
		c.say(map[string]any{"type": "welcome"})
		for _, one := range frame["subscriptions"].([]any) {
			c.subscribe(one.(map[string]any))
		}
	}
	c.server.mu.Unlock()
	if goesOn {
		<-r.Context().Done()
	}
	c.server.mu.Lock() // nothing is written afterwards
	delete(c.server.conns, c)
	c.server.mu.Unlock()
}

func (c *conn) serveSocket(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{Subprotocols: []string{"tidewire.v1.json"}}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.Close() }()
	c.write = func(frame []byte) error { return ws.WriteMessage(websocket.TextMessage, frame) }
	c.server.mu.Lock()
	c.server.conns[c] = true
	c.say(map[string]any{"type": "welcome"})
	c.server.mu.Unlock()
	for {
		var frame map[string]any
		if ws.ReadJSON(&frame) != nil {
			return
		}
		c.server.mu.Lock()
		c.handle(frame)
		c.server.mu.Unlock()
	}
}

func (c *conn) handle(frame map[string]any) {
	switch frame["type"] {
	case "subscribe":
		c.subscribe(frame)
	case "history":
		c.history(frame)
	case "refresh":
		if err := c.take(frame["token"].(string)); err != nil {
			panic(err)
		}
		for channel := range c.subs {
			if !c.grants(channel) {
				delete(c.subs, channel)
			}
		}
		c.refreshed()
		if c.server.flaw == "a refresh that holds late" {
			c.grace = 10
		}
		c.sync()
		c.say(map[string]any{"type": "ok", "id": frame["id"]})
	case "tune":
		sub := c.subs[frame["channel"].(string)]
		c.options(sub, frame)
		if !sub.paused {
			pending := sub.pending
			sub.pending = nil
			for _, p := range pending {
				c.deliver(sub, p, "the flush of a pause")
			}
		}
		c.sync()
		c.say(map[string]any{"type": "ok", "id": frame["id"]})
	default:
		c.say(map[string]any{"type": "pong", "id": frame["id"]})
	}
}

func (c *conn) grants(channel string) bool {
	return c.rights.Channels == nil || slices.Contains(c.rights.Channels, channel)
}

func (c *conn) subscribe(frame map[string]any) {
	channel := frame["channel"].(string)
	if strings.HasPrefix(channel, "$") {
		c.subscribeDemand(frame)
		return
	}
	if !c.grants(channel) && c.server.flaw != "grants that nobody asks for" {
		c.say(map[string]any{"type": "error", "id": frame["id"], "channel": channel, "code": "forbidden"})
		return
	}
	if frame["keys"] != nil {
		c.track(frame)
		return
	}
	sub := &subscription{shown: map[string]row{}}
	c.options(sub, frame)
	if sub.state = frame["state"] != nil; sub.state {
		if channel == canary.AllChannels {
			c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": channel, "pattern": true})
			for _, one := range []string{"fleet:all", "fleet:ann", "fleet:bob"} {
				sub := &subscription{shown: map[string]row{}, state: true}
				c.say(map[string]any{"type": "ok", "channel": one, "position": fmt.Sprint(len(c.server.log))})
				c.snapshot(sub, one)
				c.subs[one] = sub
			}
			c.say(map[string]any{"type": "notice", "code": "complete", "channel": channel})
			return
		}
		if frame["since"] != nil && c.server.flaw == "a state that is gone on from whatever was shown of it" {
			c.goOn(sub, channel, frame)
			return
		}
		c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": channel, "reset": frame["since"] != nil, "position": fmt.Sprint(len(c.server.log))})
		c.snapshot(sub, channel)
		c.subs[channel] = sub
		return
	}
	c.subs[channel] = sub
	c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": channel, "resumed": frame["since"] != nil, "position": fmt.Sprint(len(c.server.log))})
	if frame["rewind"] != nil && frame["since"] == nil {
		c.rewind(sub, channel, fmt.Sprint(frame["rewind"]))
		return
	}
	from := len(c.server.log)
	if since, ok := frame["since"].(string); ok {
		if _, err := fmt.Sscan(since, &from); err != nil {
			panic(err)
		}
	}
	for _, p := range append(c.server.losers(channel, "a replay"), c.server.log[from:]...) {
		if p.Channel.Name() == channel {
			c.deliver(sub, p, "replay")
		}
	}
}

// goOn tells what has changed of a state, and takes for granted that the client has what it may see now of what has not.
func (c *conn) goOn(sub *subscription, channel string, frame map[string]any) {
	c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": channel, "resumed": true, "position": frame["since"]})
	from := 0
	if _, err := fmt.Sscan(frame["since"].(string), &from); err != nil {
		panic(err)
	}
	layers := []canary.Rights{c.rights, c.server.policy, sub.own}
	for key, p := range newest(c.server.log[:from], channel) {
		if p.Op == realtime.OpSet && may(layers, p) {
			sub.shown[key] = rowOf(layers, p)
		}
	}
	c.subs[channel] = sub
	c.sync()
}

// newest returns the last of each key of a channel.
func newest(log []*realtime.Publication, channel string) map[string]*realtime.Publication {
	newest := map[string]*realtime.Publication{}
	for _, p := range log {
		if p.Key != "" && p.Channel.Name() == channel {
			newest[p.Key] = p
		}
	}
	return newest
}

func (c *conn) snapshot(sub *subscription, channel string) {
	layers := []canary.Rights{c.rights, c.server.policy, sub.own}
	entries := []any{}
	for key, p := range newest(c.server.logOf(channel), channel) {
		if p.Op == realtime.OpSet && (may(layers, p) || c.server.flaw == "a snapshot without the gate") {
			if sub.shown[key] = rowOf(layers, p); c.server.flaw == "a snapshot that lacks a row" && key == "v2" {
				continue
			}
			entries = append(entries, c.message(layers, p))
		}
	}
	for _, p := range c.server.losers(channel, "a snapshot") {
		entries = append(entries, c.message(layers, p))
	}
	c.say(map[string]any{"type": "snapshot", "channel": channel, "entries": entries, "more": false})
}

// sync tells a client with state what has changed on its screen.
func (c *conn) sync() {
	for channel, sub := range c.subs {
		if !sub.state || sub.paused {
			continue
		}
		layers := []canary.Rights{c.rights, c.server.policy, sub.own}
		for key, p := range newest(c.server.logOf(channel), channel) {
			shows, shown := p.Op == realtime.OpSet && may(layers, p), sub.shown[key].of != nil
			switch {
			case shows && sub.shown[key] != rowOf(layers, p):
				sub.shown[key] = rowOf(layers, p)
				c.say(c.message(layers, p))
			case !shows && p.Op == realtime.OpDelete && (shown || c.server.flaw == "deletions of what was not shown"):
				delete(sub.shown, key)
				c.say(map[string]any{"type": "message", "channel": channel, "key": key, "deleted": true})
			case !shows && shown && c.server.flaw != "rows that do not leave":
				delete(sub.shown, key)
				c.say(map[string]any{"type": "message", "channel": channel, "key": key, "left": true})
			}
		}
	}
}

var quoted = regexp.MustCompile(`'([^']*)'`)

func (c *conn) options(sub *subscription, frame map[string]any) {
	if text, ok := frame["filter"].(string); ok {
		sub.own.Clients = nil
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			sub.own.Clients = append(sub.own.Clients, m[1])
		}
	}
	if fields, ok := frame["fields"].([]any); ok {
		sub.own.Columns = nil
		for _, f := range fields {
			sub.own.Columns = append(sub.own.Columns, f.(string))
		}
	}
	if paused, ok := frame["paused"].(bool); ok {
		sub.paused = paused
	}
}
