package gateway_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// follower reads a stream of events and comes back where it was cut off.
type follower struct {
	s     *service
	query url.Values
	page  *page
	id    string
}

// next returns the next event, of another stream if there is none.
func (f *follower) next() event {
	f.s.t.Helper()
	if f.page == nil {
		resp := f.s.get("/v1/events?"+f.query.Encode(), http.Header{"Authorization": {"Bearer " + f.s.token("acme", "ann")}, "Last-Event-Id": {f.id}})
		if resp.StatusCode != http.StatusOK {
			body, err := io.ReadAll(resp.Body)
			f.s.t.Fatalf("%s %s %v", resp.Status, body, err)
		}
		f.page = readPage(f.s.t, resp)
		f.page.lastID = f.id
	}
	e, ok := f.page.next()
	if !ok || e.name == "closing" || len(f.page.lastID) > 4096 {
		f.s.t.Fatalf("%+v with an id of %d bytes", e, len(f.page.lastID))
	}
	f.id = f.page.lastID
	return e
}

func (f *follower) cut() {
	if f.page != nil {
		f.page.leave()
		f.page = nil
	}
}

// heard is what a client of many channels keeps of one: what is older than the newest that it has had, it has had.
type heard struct {
	ids []string
	at  realtime.Position
}

// startYoung starts a server that vouches for all but the last few milliseconds, and returns once a stream can begin that much after it.
func startYoung(t *testing.T) *service {
	t.Helper()
	filters, err := viewfilter.New()
	if err != nil {
		t.Fatal(err)
	}
	doc := stateful()
	doc.Limits.ConnectsPerSecond, doc.Limits.ConnectionsPerUser = 10000, 10000
	s := start(t, gateway.Options{Filters: filters, Pace: hub.Pace{Margin: 5 * time.Millisecond}}, doc)
	f := &follower{s: s, query: url.Values{"channel": {"prices:*"}}}
	bob := publisher{s.connect("acme", "bob")}
	for first := int64(0); ; {
		f.id = ""
		at, err := realtime.ParsePosition(f.stands("prices:*").Position)
		if err != nil {
			t.Fatal(err)
		}
		f.cut()
		if first = cmp.Or(first, at.Time); at.Time > first+10 {
			return s
		}
		bob.publish("other:one", `"data":1`) // time goes by with what is published
	}
}

// stands has a follower begin, and returns once its stream knows where it stands.
func (f *follower) stands(pattern string) wire.ServerFrame {
	f.s.t.Helper()
	for {
		if e := f.next(); e.frame.Pattern && e.frame.Channel == pattern {
			return e.frame
		}
	}
}

// A stream of events carries all channels of a pattern, and goes on where it stands in each of them, wherever it is cut off: nothing is
// missing, and what comes again is known by its position.
func TestStreamOfAPattern(t *testing.T) {
	t.Parallel()
	for _, width := range []int{3, 150} { // of which an id has room, and of which it has not
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			s := startYoung(t)
			bob, r := publisher{s.connect("acme", "bob")}, rand.New(rand.NewPCG(1, uint64(width)))
			f := &follower{s: s, query: url.Values{"channel": {"prices:*", "fleet:one", "news:*:eu"}}}
			f.stands("prices:*")
			want, has := map[string][]string{}, map[string]*heard{}
			n, said := 0, 0
			for range 40 {
				for range r.IntN(20) {
					c := fmt.Sprintf("prices:%d", r.IntN(width))
					switch r.IntN(10) {
					case 0:
						c = "fleet:one"
					case 1:
						c = "news:x:eu"
					case 2:
						bob.publish("news:x:us", `"data":1`)
					}
					n++
					id := fmt.Sprintf("e%d", n)
					bob.publish(c, `"event":"`+id+`","data":1`)
					want[c] = append(want[c], id)
				}
				stop := n - r.IntN(5)
				if r.IntN(3) == 0 {
					stop = n
				}
				for said < stop {
					said = max(said, hear(t, has, f.next()))
				}
				if r.IntN(2) == 0 {
					f.cut()
				}
			}
			whole := func() bool { // what comes after a return comes channel by channel
				for c, ids := range want {
					if h := has[c]; h == nil || h.ids[len(h.ids)-1] != ids[len(ids)-1] {
						return false
					}
				}
				return true
			}
			for !whole() {
				hear(t, has, f.next())
			}
			got := map[string][]string{}
			for c, h := range has {
				got[c] = h.ids
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +has):\n%s", diff)
			}
			f.cut()
		})
	}
}

// hear keeps what an event tells, and returns the number of a message.
func hear(t *testing.T, all map[string]*heard, e event) (n int) {
	t.Helper()
	if e.frame.Code == wire.NoticeGap || e.frame.Gap || strings.HasSuffix(e.frame.Channel, ":us") {
		t.Errorf("%+v", e.frame)
	}
	if e.frame.Type != wire.TypeMessage {
		return 0
	}
	h := all[e.frame.Channel]
	if h == nil {
		h = &heard{}
		all[e.frame.Channel] = h
	}
	at, err := realtime.ParsePosition(e.frame.Position)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(at.ID, "e%d", &n); err != nil {
		t.Fatal(err)
	}
	if at.Time > h.at.Time || at.Time == h.at.Time && !slices.Contains(h.ids, at.ID) {
		h.ids, h.at = append(h.ids, at.ID), at
	}
	return n
}

// The states of a pattern's channels are what they are, wherever the stream that carries them is cut off, and whatever has become of them meanwhile.
func TestStreamOfStatesOfAPattern(t *testing.T) {
	t.Parallel()
	for _, width := range []int{4, 120} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			s := startYoung(t)
			bob, r := publisher{s.connect("acme", "bob")}, rand.New(rand.NewPCG(2, uint64(width)))
			f := &follower{s: s, query: url.Values{"channel": {"fleet:*"}, "state": {"true"}}}
			truth, m, resets := map[string]map[string]string{}, mapsOf{}, 0
			for round := range 25 {
				for range 1 + r.IntN(2*width) {
					c, key := fmt.Sprintf("fleet:%d", r.IntN(width)), fmt.Sprintf("v%d", r.IntN(3))
					if truth[c] == nil {
						truth[c] = map[string]string{}
					}
					if r.IntN(3) == 0 {
						bob.publish(c, fmt.Sprintf(`"key":%q,"delete":true`, key))
						delete(truth[c], key)
						continue
					}
					truth[c][key] = fmt.Sprint(round)
					bob.publish(c, fmt.Sprintf(`"key":%q,"data":%d`, key, round))
				}
				for range r.IntN(2 * width) { // for what there is may be less than that, something comes
					bob.publish("fleet:noise", `"data":1`)
					m.hear(f.next(), &resets)
				}
				if r.IntN(2) == 0 {
					f.cut()
				}
			}
			for c := range truth {
				bob.publish(c, `"key":"last","data":"last"`)
				truth[c]["last"] = `"last"`
			}
			maps.DeleteFunc(truth, func(_ string, rows map[string]string) bool { return len(rows) == 0 })
			for !gocmp.Equal(truth, m.rows()) && (f.page == nil || !t.Failed()) {
				m.hear(f.next(), &resets)
			}
			if (resets > 0) != (width > 100) {
				t.Errorf("%d times it had to forget everything", resets)
			}
			f.cut()
		})
	}
}

// hear takes an event. It counts how often everything is to be forgotten.
func (m mapsOf) hear(e event, resets *int) {
	if e.frame.Pattern && e.frame.Reset {
		*resets++
		clear(m)
	}
	m.take(&e.frame)
}

// What a client gives back that nobody can read, it is told: it has missed something, or has to forget.
func TestStreamOfAPatternWithAnIDOfNothing(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	publisher{s.connect("acme", "bob")}.publish("fleet:eu", `"key":"v","data":1`)
	f := &follower{s: s, query: url.Values{"channel": {"fleet:*"}}, id: "nothing"}
	if ok := f.stands("fleet:*"); !ok.Gap || ok.Reset {
		t.Errorf("%+v", ok)
	}
	f.cut()
	f = &follower{s: s, query: url.Values{"channel": {"fleet:*"}, "state": {"true"}}, id: "nothing"}
	if ok := f.stands("fleet:*"); ok.Gap || !ok.Reset {
		t.Errorf("%+v", ok)
	}
	for m := (mapsOf{}); m.rows()["fleet:eu"]["v"] != "1"; {
		e := f.next()
		m.take(&e.frame)
	}
	f.cut()
	if ok := f.stands("fleet:*"); ok.Gap || ok.Reset {
		t.Errorf("with the id that it was given: %+v", ok)
	}
	f.cut()
}

// What a stream does not carry beside the others it says, and carries these.
func TestRefusedPatternsOfAStream(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	for name, code := range map[string]realtime.Code{
		"fleet:eu": "conflict", "fleet:*": "conflict", "*:x": "conflict", "fleet:**": "conflict", "**": "conflict",
		"fleet:**:a": "bad-request", "fleet:*:{user}": "bad-request", "prices:*": "forbidden",
	} {
		resp := s.get("/v1/events?"+url.Values{"channel": {"fleet:*", name}}.Encode(), http.Header{"Authorization": {"Bearer " + s.token("acme", "ann", func(c *auth.Claims) {
			c.Grants = realtime.Grants{Subscribe: []realtime.Pattern{"fleet:**"}}
		})}})
		p := readPage(t, resp)
		p.next()
		p.expect("welcome", `{}`)
		p.expect("refused", fmt.Sprintf(`{"type":"error","channel":%q,"code":%q}`, name, code))
		p.expect("ok", `{"type":"ok","channel":"fleet:*","pattern":true}`)
		p.leave()
	}
	for query, says := range map[string]string{
		"channel=fleet:*&rewind=3":        "rewind: is not served for a pattern",
		"channel=fleet:*&occupancy=true":  "occupancy: is not told of all channels of a pattern",
		"channel=prices:*&state=true":     "state: none is kept here of the channels of",
		"channel=fleet:**:a":              "channel: ",
		"channel=fleet:*&filter=tag=='a'": "filter: line 1, column 1",
		"channel=fleet:*&keys=a*b":        "keys: ",
	} {
		resp := s.get("/v1/events?"+query, http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
		body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), says) {
			t.Errorf("%s is answered %d: %s %v", query, resp.StatusCode, body, err)
		}
	}
}
