package toy_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// server is a small server of the protocol with everything that Features name, and with a flaw if it is asked for one.
type server struct {
	flaw string

	mu     sync.Mutex // guards all below
	log    []*realtime.Publication
	policy canary.Rights
	conns  map[*conn]bool
	cached map[*realtime.Publication][]byte
	lost   []*realtime.Publication // by their conditions
	passed []*realtime.Publication // that were transient
}

type conn struct {
	user   string
	server *server
	write  func(frame []byte) error
	stream bool
	posted bool
	rights canary.Rights
	former canary.Rights // before the last refresh
	grace  int           // publications for which the former ones hold on, by a flaw
	subs   map[string]*subscription

	demand  bool
	tracked []trackedKey
}

type subscription struct {
	own     canary.Rights
	paused  bool
	pending []*realtime.Publication
	state   bool
	shown   map[string]row // with state: what its client shows
}

// row is a value that a client shows, and the columns of it.
type row struct {
	of      *realtime.Publication
	columns string
}

func rowOf(layers []canary.Rights, p *realtime.Publication) row {
	columns := ""
	for _, r := range layers {
		columns += fmt.Sprintf("%q", r.Columns)
	}
	return row{p, columns}
}

// start starts one, with a flaw by its name, or "" for none, until the test ends.
func start(t *testing.T, flaw string) canary.Server {
	t.Helper()
	s := &server{flaw: flaw}
	s.conns, s.cached = map[*conn]bool{}, map[*realtime.Publication][]byte{}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	return canary.Server{
		URL: listening.URL, HistoryURL: listening.URL,
		Token:    token,
		Stranger: func() (string, error) { return token(stranger, canary.Rights{}) },
		Send: func(user string, p *realtime.Publication) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			for c := range s.conns {
				if c.user == user || s.flaw == "a direct event to everybody" && c.user != stranger {
					c.say(map[string]any{"type": "direct", "data": json.RawMessage(p.Data)})
				}
			}
			return nil
		},
		Publish: s.publish, PublishIf: s.publishIf,
		Policy: func(r canary.Rights) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.flaw == "a policy that reaches nobody" {
				return nil
			}
			s.policy = r
			for c := range s.conns {
				c.sync()
			}
			return nil
		},
		Features: canary.Features{Filters: true, Columns: true, Filter: true, Fields: true, State: true, Rate: true, Tune: true, Stream: true, Posts: true, Wildcards: true, Rewind: true, History: true, Retained: true, Demand: true, Transient: true},
	}
}

// stranger is a user of another tenant.
const stranger = "stranger"

// claims are a token.
type claims struct {
	User   string
	Rights canary.Rights
}

func token(user string, r canary.Rights) (string, error) {
	text, err := json.Marshal(claims{user, r})
	return base64.RawURLEncoding.EncodeToString(text), err
}

func (s *server) publish(p *realtime.Publication) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Transient {
		s.pass(p)
		return nil
	}
	s.log = append(s.log, p)
	for c := range s.conns {
		if c.user == stranger && s.flaw != "a topic that tenants share" {
			continue
		}
		for _, sub := range []*subscription{c.subs[p.Channel.Name()], c.subs[canary.AllChannels]} {
			if sub != nil {
				c.deliver(sub, p, "live")
			}
		}
		if c.grace > 0 {
			c.grace--
		}
	}
	return nil
}

// deliver sends a publication if it may be shown. how is the path.
func (c *conn) deliver(sub *subscription, p *realtime.Publication, how string) {
	if sub.state && p.Key != "" {
		c.sync()
		return
	}
	if sub.paused {
		sub.pending = append(sub.pending, p)
		return
	}
	layers := []canary.Rights{c.rights, c.server.policy, sub.own}
	if c.server.flaw == "a refresh that replay does not hear of" && how == "replay" {
		layers[0] = c.former
	}
	late := c.grace > 0 && may([]canary.Rights{c.former, c.server.policy, sub.own}, p)
	shown := late || c.server.flaw == how+" without the gate" || c.stream && c.server.flaw == "a stream without the gate" || c.posted && c.server.flaw == "frames in a request without the gate"
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
func (c *conn) message(layers []canary.Rights, p *realtime.Publication) map[string]any {
	if p.Op == realtime.OpDelete {
		return map[string]any{"type": "message", "channel": p.Channel.Name(), "position": fmt.Sprint(slices.Index(c.server.log, p) + 1), "key": p.Key, "deleted": true, "tags": p.Tags, "eventType": p.EventType, "source": p.Source}
	}
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
func (c *conn) flawed(frame map[string]any, p *realtime.Publication) {
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

func (c *conn) say(frame map[string]any) {
	text, err := json.Marshal(frame)
	if err != nil {
		panic(err)
	}
	_ = c.write(text) // a connection that is gone says so to its reader
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &conn{server: s, subs: map[string]*subscription{}}
	if err := c.take(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/tenants/"):
		c.serveHistory(w, r)
	case r.URL.Path == "/v1/events" && r.Method == http.MethodPost:
		c.servePosted(w, r)
	case r.URL.Path == "/v1/events":
		c.serveStream(w, r)
	default:
		c.serveSocket(w, r)
	}
}
