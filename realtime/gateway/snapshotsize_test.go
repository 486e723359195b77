package gateway_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime/wire"
)

// The state of a channel comes in frames of 64 KiB at most, however much it is, and none of them is empty but the last.
func TestSnapshotsComeInFrames(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	bob, ann := s.connect("acme", "bob"), s.connect("acme", "ann")
	const keys = 300
	for i := range keys {
		bob.send(`{"type":"publish","id":1,"channel":"fleet:eu","key":"k` + strconv.Itoa(i) + `","data":"` + strings.Repeat("x", 1+i*37%2500) + `"}`)
		bob.expect(`{"type":"ok"}`)
	}
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
	ann.expect(`{"type":"ok","id":1,"state":{"keys":300}}`)
	for frames, given := 1, 0; ; frames++ {
		_, payload, err := ann.ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		f, err := wire.DecodeServer(payload)
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != wire.TypeSnapshot {
			continue
		}
		if given += len(f.Entries); len(payload) > 64<<10 || f.More && len(f.Entries) == 0 {
			t.Errorf("frame %d has %d bytes and %d entries", frames, len(payload), len(f.Entries))
		}
		if !f.More {
			if given != keys || frames < 4 {
				t.Errorf("%d keys came in %d frames", given, frames)
			}
			return
		}
	}
}
