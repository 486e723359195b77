package tidewire

import (
	"fmt"
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
			if len(asked) != 1 || asked[0].Since.Position != step.since || asked[0].View != step.view {
				t.Fatalf("step %d: asks %+v, want since %q by %q", i, asked, step.since, step.view)
			}
			server.newest().give(step.frames...)
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
