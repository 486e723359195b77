package gateway_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A tune of a pattern holds for the channels that it has, and for those that begin later.
func TestTuneOfAPattern(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful(func(n *realtime.Namespace) { n.Rate = &realtime.Rate{Max: 50} }))
	bob := publisher{s.connect("acme", "bob")}
	row := func(c, key, desk string) { bob.publish(c, `"key":"`+key+`","tags":{"desk":"`+desk+`"},"data":1`) }
	row("fleet:eu", "v1", "a")
	row("fleet:eu", "v2", "b")
	row("fleet:us", "v3", "b")
	ann, m := s.connect("acme", "ann"), mapsOf{}
	m.subscribe(ann, "fleet:*", `,"sub":"grid"`)
	tune := func(rest, want string) {
		t.Helper()
		ann.send(`{"type":"tune","id":5,"channel":"fleet:*","sub":"grid",` + rest + `}`)
		m.until(ann, func(f *wire.ServerFrame) bool {
			if string(f.ID) != "5" {
				return false
			}
			if d := differs(*f, want); d != "" {
				t.Errorf("%s: %s", rest, d)
			}
			return true
		})
	}
	tune(`"filter":"tags.desk == 'b'"`, `{"type":"ok","channel":"fleet:*","sub":"grid","filter":"tags.desk == 'b'","maxRate":50}`)
	row("fleet:moon", "v4", "a")
	row("fleet:moon", "v5", "b")
	m.until(ann, func(f *wire.ServerFrame) bool { return f.Channel == "fleet:moon" && m["fleet:moon"].rows["v5"] != "" })
	want := map[string]map[string]string{"fleet:eu": {"v2": "1"}, "fleet:us": {"v3": "1"}, "fleet:moon": {"v5": "1"}}
	if diff := cmp.Diff(want, m.rows()); diff != "" {
		t.Errorf("(-want +has):\n%s", diff)
	}
	tune(`"filter":"","keys":["v4","v1"],"maxRate":100`, `{"type":"ok","keys":["v1","v4"],"maxRate":50}`)
	want = map[string]map[string]string{"fleet:eu": {"v1": "1"}, "fleet:moon": {"v4": "1"}}
	if diff := cmp.Diff(want, m.rows()); diff != "" {
		t.Errorf("(-want +has):\n%s", diff)
	}
	for _, c := range []struct{ frame, want string }{
		{`"channel":"fleet:*","paused":true`, `{"type":"error","id":6,"code":"not-found","channel":"fleet:*"}`},
		{`"channel":"fleet:*","sub":"grid","filter":"tags.desk = 'a'"`, `{"type":"error","id":6,"code":"bad-request"}`},
		{`"channel":"fleet:*","sub":"grid","state":true`, `{"type":"error","id":6,"code":"bad-request"}`},
		{`"channel":"fleet:*","sub":"grid","maxRate":1e9`, `{"type":"error","id":6,"code":"bad-request"}`},
		{`"channel":"fleet:*","sub":"grid","keys":["a*b"]`, `{"type":"error","id":6,"code":"bad-request"}`},
	} {
		ann.send(`{"type":"tune","id":6,` + c.frame + `}`)
		ann.expect(c.want)
	}
	if diff := cmp.Diff(want, m.rows()); diff != "" {
		t.Errorf("a refused tune has changed something (-want +has):\n%s", diff)
	}
}
