package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// given is what a client gives back: of any kind, true or made up.
type given struct{ since, asOf string }

// returned are seeds: what a damaged storage, a clock that was set, another service or an enemy gives back. %d is the
// time of an event that was published.
var returned = []given{
	{`"%d-e1"`, `0`}, {`"%d-"`, `0`}, {`"%d-made up"`, `0`}, {`""`, `0`},
	{`"yesterday"`, `0`}, {`"1-"`, `0`}, {`"1-x"`, `%d`}, {`"yesterday"`, `%d`}, {`null`, `%d`}, {`7`, `%d`}, {`{}`, `-1`}, {`[]`, `"x"`},
	{`"281474976710655-"`, `0`}, {`"281474976710655-e1"`, `0`}, {`"281474976710655-e1"`, `281474976710655`}, {`"1-e1"`, `281474976710655`},
	{`"1-x"`, `99999999999999999999`}, {`"-1-"`, `%d`}, {`"9999999999999-e5"`, `9999999999998`}, {`"1767225600000-\u0000"`, `1.5`},
	{`"` + "1-" + strings.Repeat("x", 500) + `"`, `true`}, {`"1e12-e1"`, `1e12`}, {`"` + strings.Repeat("8", 3000) + `"`, `0`},
}

// truth says what may be answered to something given back on a channel that holds events of these times: nothing was
// given, a gap, or everything after a moment. An ID that is known near its time counts more than the time.
func truth(g given, times map[string]int64, now int64) (fresh bool, after int64, provable bool) {
	var since string
	if json.Unmarshal([]byte(g.since), &since) != nil || g.since == "null" {
		return false, 0, false
	}
	if since == "" {
		return true, 0, false
	}
	digits, id, found := strings.Cut(since, "-")
	ms, err := strconv.ParseInt(digits, 10, 64)
	if !found || err != nil || strconv.FormatInt(ms, 10) != digits || ms < 1 || ms > now || len(id) > realtime.MaxIDBytes {
		return false, 0, false
	}
	if at := times[id]; at != 0 && max(at-ms, ms-at) <= skew {
		ms = at
	}
	return false, ms, true
}

// skew is by how much the times of a channel may differ, in milliseconds, as hub.Pace has it.
const skew = 1000

func checkReturned(t *testing.T, s *service, p *peer, g given, times map[string]int64, n int) {
	t.Helper()
	id := strconv.Itoa(n)
	p.send(`{"type":"subscribe","id":` + id + `,"channel":"a:1","since":` + g.since + `,"asOf":` + g.asOf + `}`)
	f, err := p.next()
	now := time.Now().UnixMilli()
	if err != nil || f.Type != wire.TypeOK || string(f.ID) != id {
		t.Fatalf("%+v is answered by %+v, %v", g, f, err)
	}
	at, err := realtime.ParsePosition(f.Position)
	if err != nil || at.Time > now+skew {
		t.Errorf("%+v: the client is told to stand at %q", g, f.Position)
	}
	fresh, after, provable := truth(g, times, now+skew)
	switch {
	case fresh && (f.Resumed || f.Gap):
		t.Errorf("%+v gives nothing back and is answered by %+v", g, f)
	case !fresh && f.Resumed == f.Gap:
		t.Errorf("%+v is answered by %+v", g, f)
	case f.Resumed && !provable:
		t.Errorf("%+v is called resumed: %+v", g, f)
	}
	got := map[string]bool{}
	if f.Resumed {
		p.send(`{"type":"ping","id":"p` + id + `"}`)
	}
	p.send(`{"type":"unsubscribe","id":"u` + id + `","channel":"a:1"}`)
	for {
		f, err := p.next()
		if err != nil {
			t.Fatalf("%+v: %v", g, err)
		}
		if f.Type == wire.TypeMessage {
			at, _ := realtime.ParsePosition(f.Position)
			got[at.ID] = true
		}
		if string(f.ID) == `"u`+id+`"` {
			break
		}
	}
	if f.Resumed {
		for name, ms := range times {
			if ms > after && !got[name] {
				t.Errorf("%+v is called resumed without %s, which came at %d", g, name, ms)
			}
		}
	}
}

// record publishes some events at different times, and returns these.
func record(t *testing.T, s *service) map[string]int64 {
	t.Helper()
	p := s.connect("acme", "writer")
	p.send(`{"type":"subscribe","id":1,"channel":"a:1"}`)
	p.expect(`{"type":"ok","id":1}`)
	times := map[string]int64{}
	for i := range 5 {
		time.Sleep(2 * time.Millisecond)
		name := "e" + strconv.Itoa(i)
		p.send(fmt.Sprintf(`{"type":"publish","id":9,"channel":"a:1","event":%q,"data":1}`, name))
		for range 2 {
			f, err := p.next()
			if err != nil {
				t.Fatal(err)
			}
			if at, err := realtime.ParsePosition(f.Position); f.Type == wire.TypeMessage && err == nil {
				times[name] = at.Time
			}
		}
	}
	return times
}

func (g given) at(ms int64) given {
	text := strconv.FormatInt(ms, 10)
	return given{strings.ReplaceAll(g.since, "%d", text), strings.ReplaceAll(g.asOf, "%d", text)}
}

// Whatever a client gives back is answered on that channel, and never called complete unless it is.
func TestWhatIsGivenBack(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits.FramesPerSecond, doc.Limits.SubscribesPerSecond, doc.Limits.ConnectsPerSecond, doc.Limits.ConnectionsPerUser = 100_000, 100_000, 10_000, 10_000
	s := start(t, gateway.Options{}, doc)
	times := record(t, s)
	p := s.connect("acme", "ann")
	for i, g := range returned {
		for _, ms := range times {
			checkReturned(t, s, p, g.at(ms), times, i)
		}
	}
	// In the first frame too, of a client whose handshake holds no token; the other channels are not touched by it.
	for _, g := range returned {
		g = g.at(times["e2"])
		p := s.dial("")
		p.send(`{"type":"connect","token":"` + s.token("acme", "bea") + `","asOf":` + g.asOf + `,"subscriptions":[{"channel":"a:1","since":` + g.since + `},{"channel":"b:1"}]}`)
		p.expect(`{"type":"welcome"}`)
		answers := map[string]wire.ServerFrame{}
		for len(answers) < 2 {
			f, err := p.next()
			if err != nil || f.Type == wire.TypeError {
				t.Fatalf("%+v in connect: %+v, %v", g, f, err)
			}
			if f.Type == wire.TypeOK {
				answers[f.Channel] = f
			}
		}
		fresh, _, provable := truth(g, times, time.Now().UnixMilli()+skew)
		if a := answers["a:1"]; !fresh && a.Gap == a.Resumed || a.Resumed && !provable {
			t.Errorf("%+v in connect is answered by %+v", g, a)
		}
		_ = p.ws.Close()
	}
}

// A stream of events takes any Last-Event-ID that fits in a header, and begins each channel with a gap where it must.
func TestAnyLastEventID(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	token := s.token("acme", "ann")
	record(t, s) // what begins in the millisecond in which its topic does has nothing to resume from
	for _, id := range []string{"nonsense", "1767225600123-e1", "0", "AQA=", strings.Repeat("A", 3000), strings.Repeat("A", 20_000), "\"x\"; ü"} {
		p := s.open(token, id, "a:1", "b:1")
		p.expect("", `{}`)
		p.expect("welcome", `{}`)
		for range 2 {
			e := p.expect("ok", `{"gap":true,"resumed":false}`)
			if e.id == "" {
				t.Error("the answer has no id, so the page gives back the old one")
			}
		}
		// What it was given leads out of it.
		again := s.open(token, p.lastID, "a:1", "b:1")
		again.expect("", `{}`)
		again.expect("welcome", `{}`)
		again.expect("ok", `{"resumed":true}`)
		again.expect("ok", `{"resumed":true}`)
		_, _ = p.resp.Body.Close(), again.resp.Body.Close()
	}
}

// A stream that is cut before its channels were answered has not made them complete.
func TestLastEventIDBeforeTheAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	resp := s.get("/v1/events?channel=a:1", http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}, "Last-Event-Id": {"nonsense"}})
	p := readPage(t, resp)
	p.expect("", `{}`)
	e := p.expect("welcome", `{}`)
	if e.id != "" {
		t.Errorf("the welcome has the id %q, with which a page would begin anew without a gap", e.id)
	}
}

func FuzzWhatIsGivenBack(f *testing.F) {
	for _, g := range returned {
		g = g.at(time.Now().UnixMilli())
		f.Add(g.since, g.asOf)
	}
	f.Fuzz(func(t *testing.T, since, asOf string) {
		// Any JSON at all; what is none is a frame that is none. Other text stands in a string.
		quoted := func(text string) string {
			if json.Valid([]byte(text)) && len(text) < 4096 {
				return text
			}
			b, _ := json.Marshal(strings.ToValidUTF8(text, "?"))
			return string(b)
		}
		g := given{quoted(since), quoted(asOf)}
		if _, err := wire.Decode([]byte(`{"type":"subscribe","id":1,"channel":"a:1","since":` + g.since + `,"asOf":` + g.asOf + `}`)); err != nil {
			if strings.Contains(err.Error(), "nested") || strings.Contains(err.Error(), "UTF-8") {
				t.Skip()
			}
			t.Fatalf("%+v: %v", g, err)
		}
		if len(g.since)+len(g.asOf) > 60_000 {
			t.Skip()
		}
		s := start(t, gateway.Options{})
		times := record(t, s)
		checkReturned(t, s, s.connect("acme", "ann"), g, times, 1)
	})
}
