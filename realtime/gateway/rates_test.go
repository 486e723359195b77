package gateway_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A rate thins what comes, keeps the newest of each key, and the last of all always comes.
func TestMaxRate(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful(func(n *realtime.Namespace) { n.Rate = &realtime.Rate{Max: 5} }))
	bob, ann := s.connect("acme", "bob"), s.connect("acme", "ann")
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","maxRate":100}`, `{"type":"subscribe","id":2,"channel":"prices:fx","maxRate":4}`)
	ann.expect(`{"type":"ok","id":1,"maxRate":5}`, `{"type":"ok","id":2,"maxRate":4}`)
	began := time.Now()
	for i := range 50 {
		for _, c := range []string{"fleet:eu", "prices:fx"} {
			bob.send(`{"type":"publish","id":1,"channel":"` + c + `","key":"k` + string(rune('0'+i%2)) + `","data":"` + itoa(i) + `"}`)
			bob.expect(`{"type":"ok"}`)
		}
	}
	last, n := map[string]string{}, 0
	for last["fleet:euk1"] != `"49"` || last["prices:fxk1"] != `"49"` || last["fleet:euk0"] != `"48"` || last["prices:fxk0"] != `"48"` {
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		last[f.Channel+f.Key] = string(f.Data)
		n++
	}
	// A flush brings the newest of the two keys; there is one at once and then one for each fifth and quarter of a second, however
	// long a busy machine takes over the publishes.
	if most := 2 * (2 + int(time.Since(began).Seconds()*(5+4)) + 2); n > most {
		t.Errorf("%d of 100 messages came, want at most %d", n, most)
	}
	ann.send(`{"type":"tune","id":3,"channel":"prices:fx","paused":true}`)
	ann.expect(`{"type":"ok","id":3,"paused":true}`)
	bob.send(`{"type":"publish","id":1,"channel":"prices:fx","key":"k","data":1}`, `{"type":"publish","id":1,"channel":"prices:fx","key":"k","data":2}`)
	bob.expect(`{"type":"ok"}`, `{"type":"ok"}`)
	ann.send(`{"type":"tune","id":4,"channel":"prices:fx","paused":false,"maxRate":0}`)
	if f := ann.expect(`{"type":"message","key":"k"}`); string(f.Data) != "2" {
		t.Errorf("%s after the pause", f.Data)
	}
	ann.expect(`{"type":"ok","id":4}`)
}

func itoa(i int) string { return string(rune('0'+i/10)) + string(rune('0'+i%10)) }

// A connection that says how much it takes is given no more: of state the newest, in turns with its other subscriptions, and of a stream all, later.
func TestMaxBytesPerSecond(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	ann.send(`{"type":"tune","id":1,"maxBytesPerSecond":20000}`, `{"type":"subscribe","id":2,"channel":"fleet:eu","state":true}`, `{"type":"subscribe","id":3,"channel":"news:a"}`)
	ann.expect(`{"type":"ok","id":1,"maxBytesPerSecond":20000}`)
	for reading := 0; reading < 2; { // before anything is published
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == wire.TypeOK {
			reading++
		}
	}
	for id, frame := range map[string]string{"4": `"maxBytesPerSecond":0`, "5": `"maxBytesPerSecond":"7000"`, "6": `"maxBytesPerSecond":1e12`, "7": `"maxBytesPerSecond":7000,"paused":true`, "8": `"channel":"news:a","maxBytesPerSecond":7000`} {
		bob.send(`{"type":"tune","id":` + id + `,` + frame + `}`)
		if e := bob.expect(`{"type":"error","id":` + id + `,"code":"bad-request"}`); !strings.Contains(e.Message, "of a connection") && !strings.HasPrefix(e.Message, "maxBytesPerSecond: must be an integer from 1000 to 1000000000") {
			t.Errorf("%s: %s", frame, e.Message)
		}
	}
	pad := strings.Repeat("x", 500)
	for n := range 60 {
		for _, event := range []string{`"channel":"fleet:eu","key":"v` + strconv.Itoa(n%3) + `"`, `"channel":"news:a"`} {
			bob.send(`{"type":"publish","id":1,` + event + `,"data":{"n":` + strconv.Itoa(n) + `,"pad":"` + pad + `"}}`)
			bob.expect(`{"type":"ok","id":1}`)
		}
	}
	last, news, values := map[string]string{}, 0, 0
	for news < 60 || !strings.Contains(last["v2"], `"n":59,`) || !strings.Contains(last["v1"], `"n":58,`) || !strings.Contains(last["v0"], `"n":57,`) {
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Type == wire.TypeMessage && f.Channel == "news:a":
			if !strings.HasPrefix(string(f.Data), `{"n":`+strconv.Itoa(news)+`,`) {
				t.Errorf("%.20s came, not %d", f.Data, news)
			}
			news++
		case f.Type == wire.TypeMessage:
			last[f.Key] = string(f.Data)
			values++
		case f.Type == wire.TypeChanges: // the newest of several keys
			for _, e := range f.Entries {
				last[e.Key] = string(e.Data)
				values++
			}
		}
	}
	if values >= 60 {
		t.Errorf("all %d values came, and nothing was left out", values)
	}
}
