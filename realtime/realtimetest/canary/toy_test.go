package canary_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// toy is a small server of the protocol with everything that Features name, and with a flaw if it is asked for one.
type toy struct {
	flaw string

	mu     sync.Mutex // guards all below
	log    []*realtime.Publication
	policy canary.Rights
	conns  map[*toyConn]bool
	cached map[*realtime.Publication][]byte
}

type toyConn struct {
	server *toy
	write  func(frame []byte) error
	stream bool
	rights canary.Rights
	former canary.Rights // before the last refresh
	grace  int           // publications for which the former ones hold on, by a flaw
	subs   map[string]*toySub
}

type toySub struct {
	own     canary.Rights
	paused  bool
	pending []*realtime.Publication
}

func (s *toy) start(t *testing.T) canary.Server {
	t.Helper()
	s.conns, s.cached = map[*toyConn]bool{}, map[*realtime.Publication][]byte{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return canary.Server{
		URL: server.URL,
		Token: func(_ string, r canary.Rights) (string, error) {
			text, err := json.Marshal(r)
			return base64.RawURLEncoding.EncodeToString(text), err
		},
		Publish: s.publish,
		Policy: func(r canary.Rights) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.flaw != "a policy that reaches nobody" {
				s.policy = r
			}
			return nil
		},
		Features: canary.Features{Filters: true, Columns: true, Filter: true, Fields: true, State: true, Rate: true, Tune: true, Stream: true},
	}
}

func (s *toy) publish(p *realtime.Publication) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, p)
	for c := range s.conns {
		if sub := c.subs[p.Channel.Name()]; sub != nil {
			c.deliver(sub, p, "live")
		}
		if c.grace > 0 {
			c.grace--
		}
	}
	return nil
}

// deliver sends a publication if it may be shown. how is the path.
func (c *toyConn) deliver(sub *toySub, p *realtime.Publication, how string) {
	if sub.paused {
		sub.pending = append(sub.pending, p)
		return
	}
	layers := []canary.Rights{c.rights, c.server.policy, sub.own}
	if c.grace > 0 || c.server.flaw == "a refresh that replay does not hear of" && how == "replay" {
		layers[0] = c.former
	}
	shown := c.server.flaw == how+" without the gate" || c.stream && c.server.flaw == "a stream without the gate"
	if !shown && !(may(layers, p)) {
		if c.server.flaw == "left with its data" && p.Key != "" {
			c.say(map[string]any{"type": "message", "channel": p.Channel.Name(), "key": p.Key, "left": true, "data": json.RawMessage(p.Data)})
		}
		return
	}
	if c.server.flaw == "silence" && how == "live" && len(p.Data)%3 == 0 {
		return
	}
	c.say(c.message(layers, p))
}

func may(layers []canary.Rights, p *realtime.Publication) bool {
	for _, r := range layers {
		if r.Clients != nil && !slices.Contains(r.Clients, p.Tags[canary.ClientTag]) {
			return false
		}
	}
	return true
}

// message is the frame of a publication, without the members of data that are not shown.
func (c *toyConn) message(layers []canary.Rights, p *realtime.Publication) map[string]any {
	var data map[string]json.RawMessage
	if err := json.Unmarshal(p.Data, &data); err != nil {
		panic(err)
	}
	for _, r := range layers {
		for name := range data {
			if r.Columns != nil && !slices.Contains(r.Columns, name) {
				delete(data, name)
			}
		}
	}
	said, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	switch have := c.server.cached[p]; {
	case c.server.flaw != "one encoding for all":
	case have != nil:
		said = have // made for another viewer
	default:
		c.server.cached[p] = said
	}
	frame := map[string]any{
		"type": "message", "channel": p.Channel.Name(), "position": fmt.Sprint(slices.Index(c.server.log, p) + 1), "key": p.Key,
		"tags": p.Tags, "eventType": p.EventType, "source": p.Source, "data": json.RawMessage(said),
	}
	c.flawed(frame, p)
	return frame
}

// flawed puts into a frame what is not of the publication.
func (c *toyConn) flawed(frame map[string]any, p *realtime.Publication) {
	var previous *realtime.Publication
	for _, other := range c.server.log {
		if other == p {
			break
		}
		if other.Channel == p.Channel && (c.server.flaw != "a delta across the filter" || other.Key == p.Key) {
			previous = other
		}
	}
	if previous == nil {
		return
	}
	switch c.server.flaw {
	case "a delta across the filter":
		frame["base"] = json.RawMessage(previous.Data)
	case "a debug member in base64":
		frame["debug"] = base64.StdEncoding.EncodeToString(previous.Data)
	case "a debug member cut short":
		frame["debug"] = previous.Source[len("//sources/"):][:20]
	case "a count with its key":
		frame["replaced"] = previous.Key
	}
}

func (c *toyConn) say(frame map[string]any) {
	text, err := json.Marshal(frame)
	if err != nil {
		panic(err)
	}
	_ = c.write(text) // a connection that is gone says so to its reader
}

func (s *toy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &toyConn{server: s, subs: map[string]*toySub{}}
	if err := c.take(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	if r.URL.Path == "/v1/events" {
		c.serveStream(w, r)
	} else {
		c.serveSocket(w, r)
	}
}

// take takes a token.
func (c *toyConn) take(token string) error {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return err
	}
	var r canary.Rights
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	c.former, c.rights = c.rights, r
	return nil
}

func (c *toyConn) serveStream(w http.ResponseWriter, r *http.Request) {
	c.stream = true
	c.write = func(frame []byte) error {
		_, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", len(c.server.log), frame)
		return errors.Join(err, http.NewResponseController(w).Flush())
	}
	c.server.mu.Lock()
	c.server.conns[c] = true
	for _, channel := range r.URL.Query()["channel"] {
		frame := map[string]any{"channel": channel}
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

func (c *toyConn) serveSocket(w http.ResponseWriter, r *http.Request) {
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

func (c *toyConn) handle(frame map[string]any) {
	switch frame["type"] {
	case "subscribe":
		c.subscribe(frame)
	case "refresh":
		if err := c.take(frame["token"].(string)); err != nil {
			panic(err)
		}
		for channel := range c.subs {
			if !slices.Contains(c.rights.Channels, channel) {
				delete(c.subs, channel)
			}
		}
		if c.server.flaw == "a refresh that holds late" {
			c.grace = 10
		}
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
		c.say(map[string]any{"type": "ok", "id": frame["id"]})
	default:
		c.say(map[string]any{"type": "pong", "id": frame["id"]})
	}
}

func (c *toyConn) subscribe(frame map[string]any) {
	channel := frame["channel"].(string)
	if !slices.Contains(c.rights.Channels, channel) && c.server.flaw != "grants that nobody asks for" {
		c.say(map[string]any{"type": "error", "id": frame["id"], "channel": channel, "code": "forbidden"})
		return
	}
	sub := &toySub{}
	c.subs[channel] = sub
	c.options(sub, frame)
	c.say(map[string]any{"type": "ok", "id": frame["id"], "channel": channel, "resumed": frame["since"] != nil, "position": fmt.Sprint(len(c.server.log))})
	from := len(c.server.log)
	if since, ok := frame["since"].(string); ok {
		if _, err := fmt.Sscan(since, &from); err != nil {
			panic(err)
		}
	}
	for _, p := range c.server.log[from:] {
		if p.Channel.Name() == channel {
			c.deliver(sub, p, "replay")
		}
	}
	if frame["state"] != nil {
		c.snapshot(sub, channel)
	}
}

func (c *toyConn) snapshot(sub *toySub, channel string) {
	newest := map[string]*realtime.Publication{}
	for _, p := range c.server.log {
		if p.Key != "" && p.Channel.Name() == channel {
			newest[p.Key] = p
		}
	}
	layers := []canary.Rights{c.rights, c.server.policy, sub.own}
	entries := []any{}
	for _, p := range newest {
		if may(layers, p) || c.server.flaw == "a snapshot without the gate" {
			entries = append(entries, c.message(layers, p))
		}
	}
	c.say(map[string]any{"type": "snapshot", "channel": channel, "entries": entries, "more": false})
}

var quoted = regexp.MustCompile(`'([^']*)'`)

func (c *toyConn) options(sub *toySub, frame map[string]any) {
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
