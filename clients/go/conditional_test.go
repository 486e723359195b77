package tidewire

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// A publish with a condition is told what has become of it, also after a loss, and by its own ID.
func TestPublishIf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		for _, tt := range []struct {
			condition Condition
			answer    string
			want      Decision
		}{
			{IfAbsent(), `"applied":true,"position":"1767225600123-e1"`, Decision{"e1", true, "1767225600123-e1"}},
			{IfPresent(), `"applied":false,"position":"1767225600123-e0"`, Decision{"e1", false, "1767225600123-e0"}},
			{IfAt("1767225600123-e0"), `"applied":false`, Decision{"e1", false, ""}},
		} {
			done := make(chan Decision, 1)
			go func() {
				d, err := c.PublishIf(context.Background(), Event{Channel: "lock:board", ID: "e1", Key: "lock:7", Data: json.RawMessage("1")}, tt.condition)
				if err != nil {
					t.Error(err)
				}
				done <- d
			}()
			synctest.Wait()
			conn := s.newest()
			if sent := conn.taken("publish"); len(sent) != 1 || sent[0].If == nil {
				t.Fatalf("sent %+v", sent)
			}
			conn.shut(1006) // before the answer
			time.Sleep(5 * time.Second)
			again := s.newest()
			again.give(fmt.Sprintf(`{"type":"ok","id":%s,"event":"e1",%s}`, again.taken("publish")[0].ID, tt.answer))
			if got := <-done; got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		}
		for _, bad := range []struct {
			e Event
			c Condition
		}{
			{Event{Channel: "lock:board", Data: json.RawMessage("1")}, IfAbsent()}, {Event{Channel: "lock:board", Key: "k", Data: json.RawMessage("1")}, IfAt("here")},
			{Event{Channel: "lock:board", Key: "k", Data: json.RawMessage("1")}, Condition{}},
		} {
			if _, err := c.PublishIf(t.Context(), bad.e, bad.c); realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}
