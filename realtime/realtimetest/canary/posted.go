package canary

import (
	"fmt"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary/capture"
)

// postForbidden asks, by the frames in a request that ends with its answers, for what there is no grant for, in every way that frames have.
func postForbidden(v *Viewer) error {
	r := v.rights()
	token, err := tokenOf(v, r)
	if err != nil {
		return err
	}
	v.leave()
	v.forget()
	v.tell(func(t *told) {
		t.token, t.own, t.conflates, t.paused, t.wild, t.state = r, Rights{}, false, false, false, nil
	})
	var asked []map[string]any
	for _, channel := range append(channels(), AllChannels) {
		if within(r.Channels, channel) {
			continue
		}
		for _, f := range []map[string]any{{"type": "subscribe"}, {"type": "subscribe", "state": true}, {"type": "subscribe", "rewind": 100}, {"type": "history"}} {
			f["channel"], f["id"] = channel, len(asked)+1
			asked = append(asked, f)
		}
	}
	s, err := capture.Post(v.world.ctx, v.world.server.URL, token, asked)
	if err != nil {
		return err
	}
	v.streams = nil
	v.attach(s.Tap, s, nil)
	defer v.leave()
	for _, frame := range asked {
		f, err := v.conn.await(v.world.options.Patience, fmt.Sprintf("the answer to %v", frame), 0, func(f Frame) bool { return string(f.ID) == fmt.Sprint(frame["id"]) })
		if err != nil {
			return err
		}
		if f.Type != "error" {
			return fmt.Errorf("%v is answered %s", frame, f.Raw)
		}
	}
	return nil
}
