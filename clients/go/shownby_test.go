package tidewire

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// A state is gone on from together with the view by which it was shown; from where there is none, it is sent anew.
func TestStateIsGoneOnFromByItsView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := fakeServer(t)
		defer c.Close()
		v, err := c.View("fleet:eu", ViewOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		ok := func(resumed bool, rest string) string {
			return fmt.Sprintf(`{"type":"ok","channel":"fleet:eu","resumed":%t,"gap":false,"position":"9-x","state":{"keys":1}%s}`, resumed, rest)
		}
		snapshot := func(more bool, rest string) string {
			return fmt.Sprintf(`{"type":"snapshot","channel":"fleet:eu","entries":[{"key":"a","position":"5-a","time":5,"data":1}],"more":%t%s}`, more, rest)
		}
		notice := func(view string) string {
			return fmt.Sprintf(`{"type":"notice","code":"view","channel":"fleet:eu","view":%q}`, view)
		}
		left := `{"type":"message","channel":"fleet:eu","position":"12-b","key":"b","left":true}`
		for i, step := range []struct {
			since, view string   // of what the connection asks
			frames      []string // that it is given
		}{
			{"", "", []string{ok(false, `,"view":"v0"`), snapshot(true, "")}},
			{"", "", []string{ok(false, `,"view":"v1"`), snapshot(false, `,"position":"10-a","view":"v1"`)}},
			{"10-a", "v1", []string{ok(true, `,"view":"v1"`), notice("-"), left}},
			{"12-b", "-", []string{ok(false, `,"reset":true,"view":"v2"`), snapshot(false, `,"reset":true,"position":"13-a","view":"v2"`), notice("-"), left, notice("v3")}},
			{"13-a", "v3", []string{ok(true, `,"view":"v3"`), snapshot(true, `,"reset":true`), left}},
			{"", "", []string{ok(false, ""), snapshot(false, `,"position":"14-a"`)}},
			{"14-a", "", []string{ok(true, ""), notice("-"), notice("")}},
			{"14-a", "", []string{ok(true, "")}},
		} {
			time.Sleep(10 * time.Second)
			server.newest().shut(1006)
			time.Sleep(10 * time.Second)
			asked := server.newest().taken("connect")[0].Subscriptions
			if len(asked) != 1 || asked[0].Since.Position != step.since || asked[0].View.Position != step.view {
				t.Fatalf("step %d: asks %+v, want since %q by %q", i, asked, step.since, step.view)
			}
			server.newest().give(step.frames...)
		}
	})
}

// Of a pattern, each channel goes on by its own position and view; what of it is not known is left out, and sent anew. What the server has no more when
// all is sent, nobody is shown.
func TestStatesOfAPattern(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := fakeServer(t)
		defer c.Close()
		v, err := c.Views("fleet:*", ViewOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		begins := `{"type":"ok","sub":"1","channel":"fleet:*","pattern":true,"position":"5-"}`
		complete := `{"type":"notice","sub":"1","code":"complete","channel":"fleet:*"}`
		ok := func(channel string, resumed bool) string {
			return fmt.Sprintf(`{"type":"ok","sub":"1","channel":"fleet:%s","resumed":%t,"gap":false,"position":"9-x","state":{"keys":1},"view":"v9"}`, channel, resumed)
		}
		snapshot := func(channel, key string, more bool, rest string) string {
			return fmt.Sprintf(`{"type":"snapshot","sub":"1","channel":"fleet:%s","entries":[{"key":%q,"position":"5-a","time":5,"data":1}],"more":%t%s}`, channel, key, more, rest)
		}
		message := func(channel, key, position, rest string) string {
			return fmt.Sprintf(`{"type":"message","sub":"1","channel":"fleet:%s","position":%q,"key":%q,%s}`, channel, position, key, rest)
		}
		view := func(channel, view string) string {
			return fmt.Sprintf(`{"type":"notice","sub":"1","code":"view","channel":"fleet:%s","view":%q}`, channel, view)
		}
		for i, step := range []struct {
			since, views map[string]string // of what the connection asks
			frames       []string          // that it is given
			shows        string            // then
		}{
			{nil, nil, []string{begins, ok("a", false), snapshot("a", "k", true, "")}, "[] false"},
			{nil, nil, []string{begins, ok("a", false), ok("b", false), snapshot("a", "k", false, `,"position":"10-a","view":"v1"`), snapshot("b", "k", true, "")}, "[{fleet:a k}] false"},
			{map[string]string{"fleet:a": "10-a"}, map[string]string{"fleet:a": "v1"}, []string{begins, ok("a", true), ok("b", false), snapshot("b", "m", false, `,"position":"11-a"`), complete}, "[{fleet:a k} {fleet:b m}] true"},
			{
				map[string]string{"fleet:a": "10-a", "fleet:b": "11-a"}, map[string]string{"fleet:a": "v1"},
				[]string{begins, ok("b", true), message("b", "n", "12-b", `"data":1`), view("b", "v2"), ok("c", false), snapshot("c", "k", false, `,"position":"12-c"`)},
				"[{fleet:a k} {fleet:b m} {fleet:b n} {fleet:c k}] true",
			},
			{
				map[string]string{"fleet:a": "10-a", "fleet:b": "12-b", "fleet:c": "12-c"}, map[string]string{"fleet:a": "v1", "fleet:b": "v2"},
				[]string{begins, ok("b", true), ok("c", true), message("c", "k", "13-c", `"left":true`), complete}, "[{fleet:b m} {fleet:b n}] true",
			},
			{map[string]string{"fleet:b": "12-b", "fleet:c": "13-c"}, map[string]string{"fleet:b": "v2"}, []string{begins, ok("b", true), ok("c", true), snapshot("b", "x", true, `,"reset":true`)}, "[{fleet:b m} {fleet:b n}] true"},
			{map[string]string{"fleet:c": "13-c"}, nil, []string{begins, ok("c", true), complete}, "[] true"},
			{map[string]string{"fleet:c": "13-c"}, nil, []string{begins, complete}, "[] true"},
			{nil, nil, []string{begins, complete}, "[] true"},
		} {
			time.Sleep(10 * time.Second)
			server.newest().shut(1006)
			time.Sleep(10 * time.Second)
			asked := server.newest().taken("connect")[0].Subscriptions
			if len(asked) != 1 || asked[0].AsOf != 0 || !maps.Equal(asked[0].Since.Positions, step.since) || !maps.Equal(asked[0].View.Positions, step.views) {
				t.Fatalf("step %d: asks %+v, want since %v by %v", i, asked, step.since, step.views)
			}
			server.newest().give(step.frames...)
			var rows []ChannelKey
			for _, channel := range v.Channels() {
				for key := range v.All(channel) {
					rows = append(rows, ChannelKey{channel, key})
				}
			}
			ready := false
			select {
			case <-v.Ready():
				ready = true
			default:
			}
			if got := fmt.Sprint(rows, ready); got != step.shows {
				t.Fatalf("step %d: shows %s, want %s", i, got, step.shows)
			}
		}
	})
}

// While a client moves, what the old link has changed of what a channel is shown by makes the new one begin again.
func TestViewOfAPatternChangesWhileItMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, c := fakeServer(t)
		defer c.Close()
		v, err := c.Views("fleet:*", ViewOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		old := server.newest()
		begins := `{"type":"ok","sub":"1",%s"channel":"fleet:*","pattern":true,"position":"5-"}`
		snapshot := `{"type":"snapshot","sub":"1","channel":"fleet:a","entries":[{"key":%q,"position":"5-a","time":5,"data":1}],"more":false,"position":%q,"view":%q}`
		ok := `{"type":"ok","sub":"1","channel":"fleet:a","resumed":%t,"gap":false,"position":"9-x","state":{"keys":1}}`
		old.give(fmt.Sprintf(begins, `"id":`+string(old.taken("subscribe")[0].ID)+","), fmt.Sprintf(ok, false), fmt.Sprintf(snapshot, "k", "10-a", "v1"), `{"type":"move","afterMs":0}`)
		time.Sleep(10 * time.Second)
		next := server.newest()
		next.give(greeting)
		old.give(`{"type":"message","sub":"1","channel":"fleet:a","position":"11-a","key":"k","left":true}`, `{"type":"notice","sub":"1","code":"view","channel":"fleet:a","view":"v2"}`)
		next.give(fmt.Sprintf(begins, ""), fmt.Sprintf(ok, true)) // by v1
		if left, again := next.taken("unsubscribe"), next.taken("subscribe"); len(left) != 1 || len(again) != 1 || len(again[0].Since.Positions) != 0 {
			t.Fatalf("it leaves %+v and asks %+v", left, again)
		} else {
			next.give(fmt.Sprintf(begins, `"id":`+string(again[0].ID)+","), fmt.Sprintf(ok, false), fmt.Sprintf(snapshot, "m", "12-a", "v1"))
		}
		if _, ok := v.Get("fleet:a", "m"); !ok || len(v.Channels()) != 1 {
			t.Error("it does not show what was sent anew")
		}
	})
}

// Nobody has the rows any more that a position of before belongs to.
func TestStateHasNoSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := fakeServer(t)
		defer c.Close()
		if _, err := c.Subscribe("fleet:eu", SubscribeOptions{State: true, Since: "5-a"}); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Error(err)
		}
	})
}
